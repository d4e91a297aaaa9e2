import { formatHelp } from '@mcp-keyhole/cli-kit';
import { options } from './options.ts';

/** The text of `mcp-keyhole --help`. */
export function helpText(): string {
  return formatHelp({
    summary:
      'mcp-keyhole connects a host that only speaks stdio to an OAuth-protected MCP server over HTTP.\n' +
      "It signs you in with the browser and keeps the tokens in the operating system's keychain.",
    usage: [
      'mcp-keyhole <server-url> [callback-port] [options]     what a host starts',
      'mcp-keyhole login <server-url> [callback-port] [options]',
      'mcp-keyhole logout <server-url> [options]',
      'mcp-keyhole status [server-url]',
      'mcp-keyhole tools <server-url> [options]',
      'mcp-keyhole call <server-url> <tool> [JSON|@FILE|-] [options]',
      'mcp-keyhole doctor <server-url> [options]',
      'mcp-keyhole import [server-url] [options]',
      'mcp-keyhole secret set|remove NAME, mcp-keyhole secret list',
    ],
    commands: {
      login: 'Sign in from a terminal, before a host needs it',
      logout: 'End a sign-in: revoked at the server as far as that can be, removed here always',
      status: 'Show who is signed in where, until when',
      tools: "List the server's tools with their arguments",
      call: 'Call a tool with JSON arguments and print its result; exit code 1 when the tool reports an error',
      doctor: 'Walk the whole road step by step, without signing in, and say what is wrong and what to do',
      import: "Take over mcp-remote's sign-in for a server, then offer to delete its plain-text files",
      secret: 'Keep a secret for headers in the keychain; its value is asked for, or read from stdin',
    },
    options,
    notes: [
      'The callback port is 3334 unless given; the redirect URI is http://<host>:<port>/oauth/callback.',
      "In a header, ${keychain:NAME} is that secret: --header 'Authorization: Bearer ${keychain:NAME}'.",
      'BROWSER names the program that opens the sign-in page; MCP_KEYHOLE_DIR the folder for the index and the locks\n' +
        '(no secrets, unless --token-store file). MCP_REMOTE_CONFIG_DIR is where import looks [~/.mcp-auth].\n' +
        'Exit codes: 0 done, 1 failure, 2 usage.',
    ],
  });
}
