import { formatHelp } from '@mcp-keyhole/cli-kit';
import { options } from './config.ts';

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
    ],
    commands: {
      login: 'Sign in from a terminal, before a host needs it',
      logout: 'Remove the sign-in from the keychain',
      status: 'Show who is signed in where, until when',
    },
    options,
    notes: [
      'The callback port is 3334 unless given; the redirect URI is http://<host>:<port>/oauth/callback.',
      'BROWSER names the program that opens the sign-in page; MCP_KEYHOLE_DIR the folder for the index and the locks\n' +
        '(no secrets). Exit codes: 0 done, 1 failure, 2 usage.',
    ],
  });
}
