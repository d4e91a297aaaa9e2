import { CliError, cleanLine } from '@mcp-keyhole/cli-kit';
import { isUntrustedCertificate } from './http/certificate-failures.ts';

/** Every code that the proxy shows, in the order of the roads: command line, server, sign-in, token store, bridge. */
export type ProxyErrorCode =
  | 'usage'
  | 'server-unreachable'
  | 'server-redirected'
  | 'server-error'
  | 'server-answer-unusable'
  | 'answer-lost'
  | 'request-refused'
  | 'tool-unknown'
  | 'tool-hidden'
  | 'token-refused'
  | 'scope-missing'
  | 'proof-refused'
  | 'binding-impossible'
  | 'resource-metadata-missing'
  | 'resource-mismatch'
  | 'authorization-server-unreachable'
  | 'authorization-server-metadata'
  | 'issuer-mismatch'
  | 'issuer-changed'
  | 'pkce-unsupported'
  | 'insecure-endpoint'
  | 'client-not-registered'
  | 'client-key-unusable'
  | 'credential-unreadable'
  | 'assertion-refused'
  | 'registration-rejected'
  | 'device-grant-unsupported'
  | 'callback-port-in-use'
  | 'callback-host-unusable'
  | 'sign-in-needed'
  | 'sign-in-refused'
  | 'sign-in-timeout'
  | 'sign-in-busy'
  | 'sign-in-invalid'
  | 'token-request-failed'
  | 'token-endpoint-unavailable'
  | 'keychain-absent'
  | 'keychain-locked'
  | 'keychain-timeout'
  | 'keychain-failed'
  | 'sign-in-unreadable'
  | 'passphrase-missing'
  | 'passphrase-wrong'
  | 'secret-missing'
  | 'secret-unreadable'
  | 'state-folder-unusable'
  | 'memory-store-refused'
  | 'import-missing'
  | 'import-refused'
  | 'message-unreadable'
  | 'input-missing'
  | 'shutting-down';

/** An error that a user may read: on stderr before the bridge runs, in a JSON-RPC error (`data.code`) afterwards. */
export class ProxyError extends CliError<ProxyErrorCode> {
  /** Where the user has to go; `data.url` in a JSON-RPC error. */
  readonly url: string | undefined;

  constructor(
    code: ProxyErrorCode,
    message: string,
    remedy: string,
    { url, ...options }: { cause?: unknown; exitCode?: 1 | 2; url?: URL } = {},
  ) {
    super(code, message, remedy, options);
    this.url = url?.href;
  }
}

const failure = (code: ProxyErrorCode, message: string, remedy: string, cause?: unknown): ProxyError =>
  new ProxyError(code, message, remedy, { cause });

const usage = (message: string, remedy: string): ProxyError =>
  new ProxyError('usage', message, remedy, { exitCode: 2 });

/** What an authorization server said went wrong: the OAuth `error` and `error_description`, FusionAuth's `error_reason`. */
export interface OAuthErrorDetails {
  readonly error: string;
  readonly description?: string | undefined;
  readonly reason?: string | undefined;
}

function said(details: OAuthErrorDetails): string {
  const parts = [details.error, details.reason, details.description].filter((part) => part !== undefined);
  return cleanLine(parts.join(': '));
}

/** What stands before the @ of a URL is not for logs. */
function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/?#]*@/u, '//…@');
}

/** All sentences and remedies in one place. */
/** For certificates of a company's or a machine's own authority, and for networks that put theirs in. */
const unknownAuthority =
  'Its certificate is of an authority that Node.js does not know. If you trust it, give its certificate (PEM) with --ca-file FILE.';

export const errors = {
  // Command line
  urlMissing: () =>
    usage(
      'The URL of the MCP server is missing.',
      'Write it first: mcp-keyhole https://mcp.example.com/mcp. `mcp-keyhole --help` shows everything.',
    ),
  urlUnusable: (given: string, why: string) =>
    usage(
      `The server URL ${JSON.stringify(withoutPassword(cleanLine(given)))} cannot be used: ${why}.`,
      'Give the full address of the MCP server, such as https://mcp.example.com/mcp.',
    ),
  httpToRemoteHost: (url: URL) =>
    usage(
      `${url.origin} is not this machine, and http would send tokens over the network unencrypted.`,
      'Use the https address. If you really want http (a trusted network), add --allow-http.',
    ),
  portUnusable: (given: string, why: string) =>
    usage(
      `The callback port ${JSON.stringify(given)} cannot be used: ${why}.`,
      'Leave it out to use port 3334.',
    ),
  surplusArgument: (given: string) =>
    usage(
      `The argument ${JSON.stringify(cleanLine(given))} is one too many.`,
      'The form is mcp-keyhole [command] <server-url> [callback-port] [flags].',
    ),
  clientInfoUnusable: (why: string, flag = '--static-oauth-client-info') =>
    usage(
      `${flag} cannot be used: ${why}.`,
      'It is JSON such as {"client_id":"…","scope":"openid offline_access"}, or @file with that JSON inside.',
    ),
  clientIdMissing: () =>
    usage('--scope needs --client-id.', 'Give the client that asks for that scope: --client-id ID.'),
  clientTwice: () =>
    usage(
      'The client is given twice: by --client-id and by --static-oauth-client-info.',
      'Leave one of them out.',
    ),
  /** @param flags that exclude one another, or of which one wants the other */
  grantsExclusive: (flags: readonly string[]) =>
    usage(
      `${flags.join(' and ')} are different ways to get a token.`,
      'Give one of them: `mcp-keyhole --help` says what each is for.',
    ),
  flagIncomplete: (flag: string, missing: string) =>
    usage(`${flag} needs ${missing}.`, `Add ${missing}, or leave ${flag} out.`),
  bindingExclusive: () =>
    usage(
      '--use-id-token sends a token that cannot be bound to a key, which --dpop always demands.',
      'Leave one of them out.',
    ),
  headerUnusable: (why: string) =>
    usage(
      `A --header cannot be used: ${why}.`,
      "Write --header 'Name: value', or Name:${ENVIRONMENT_VARIABLE}.",
    ),
  toolMissing: () =>
    usage(
      'The name of the tool is missing.',
      'Write it after the server URL: mcp-keyhole call https://mcp.example.com/mcp NAME. `mcp-keyhole tools` with the URL lists them.',
    ),
  argumentsUnusable: (why: string) =>
    usage(
      `The arguments for the tool cannot be used: ${cleanLine(why)}.`,
      'They are one JSON object, such as \'{"city":"Paris"}\'; or @file with it inside; or - to read it from stdin.',
    ),
  secretActionUnusable: (given: string | undefined) =>
    usage(
      given === undefined
        ? 'What to do with the secret is missing.'
        : `There is no \`secret ${cleanLine(given)}\`.`,
      'The forms are: mcp-keyhole secret set NAME, secret remove NAME, secret list.',
    ),
  secretNameUnusable: (given: string) =>
    usage(
      `The secret's name ${JSON.stringify(cleanLine(given))} cannot be used.`,
      'It has 1 to 64 letters, digits and . _ -, such as example-api-key.',
    ),
  /** Without quoting it: it may be the secret. */
  secretOnCommandLine: () =>
    usage(
      'A secret does not stand on the command line, where other programs can read it.',
      'Write mcp-keyhole secret set NAME, and type the value when you are asked for it, or pipe it in.',
    ),
  secretValueUnusable: (why: string) =>
    usage(
      `The secret cannot be used: ${why}.`,
      'Type it when you are asked for it, or pipe it in: one line, as it shall stand in the header; or a private key (PEM, JWK).',
    ),

  // The MCP server
  serverUnreachable: (server: URL, why: string, cause?: unknown) =>
    failure(
      'server-unreachable',
      `The MCP server at ${server.href} cannot be reached: ${cleanLine(why)}.`,
      isUntrustedCertificate(cause)
        ? unknownAuthority
        : 'Check the URL, that the server is running, and the network. The next request tries again.',
      cause,
    ),
  serverRedirected: (server: URL) =>
    failure(
      'server-redirected',
      `The MCP server at ${server.href} answers with a redirect to another address.`,
      'Use the final address in the configuration: tokens are never sent along to another origin.',
    ),
  serverError: (server: URL, status: number, body: string) =>
    failure(
      'server-error',
      `The MCP server at ${server.href} answered with HTTP ${String(status)}${body === '' ? '' : `: ${cleanLine(body)}`}.`,
      status === 404
        ? 'Check the path of the URL: most MCP servers listen on /mcp.'
        : "The server's log says more; its operator can help.",
    ),
  serverAnswerUnusable: (server: URL, why: string, cause?: unknown) =>
    failure(
      'server-answer-unusable',
      `The MCP server at ${server.href} answered with something that is not MCP: ${cleanLine(why)}.`,
      'Check that the URL is that of an MCP server (Streamable HTTP), not of a web page.',
      cause,
    ),
  answerLost: (server: URL) =>
    failure(
      'answer-lost',
      `The connection to ${server.href} ended before the answer came.`,
      'Whether the server carried the request out is unknown. Look before you repeat it.',
    ),
  requestRefused: (server: URL, code: number, message: string) =>
    failure(
      'request-refused',
      `The MCP server at ${server.href} refused the request: ${cleanLine(message)} (${String(code)}).`,
      'Compare what was sent with what `mcp-keyhole tools` shows for this server.',
    ),
  serverSilent: (server: URL, milliseconds: number) =>
    failure(
      'server-unreachable',
      `The MCP server at ${server.href} did not answer within ${String(Math.round(milliseconds / 1000))} seconds.`,
      'Check that the server is not stuck, and the network.',
    ),
  toolUnknown: (server: URL, tool: string, meant: string | undefined) =>
    failure(
      'tool-unknown',
      `The MCP server at ${server.href} has no tool ${JSON.stringify(cleanLine(tool))}.`,
      `${meant === undefined ? '' : `Did you mean ${cleanLine(meant)}? `}\`mcp-keyhole tools ${server.href}\` lists its tools.`,
    ),
  tokenRefused: (server: URL) =>
    failure(
      'token-refused',
      `The MCP server at ${server.href} refuses the token that its authorization server has just issued.`,
      "The server's settings (issuer, audience, clock) do not fit its authorization server; its log says which.",
    ),
  scopeMissing: (server: URL, scope: string | undefined) =>
    failure(
      'scope-missing',
      `This needs permissions that your sign-in to ${server.href} does not have${scope === undefined ? '' : `: ${cleanLine(scope)}`}.`,
      `Run \`mcp-keyhole logout ${server.href}\`, add the scope to the configuration, and sign in again.`,
    ),
  proofRefused: (server: URL, error: string) =>
    failure(
      'proof-refused',
      `The MCP server at ${server.href} refuses the proof that its token is bound to our key (${cleanLine(error)}).`,
      "Check this machine's clock. If it is right, the server's log says what proofs must be like (RFC 9449).",
    ),
  tokenNotBound: (server: URL, issuer: string) =>
    failure(
      'binding-impossible',
      `The token for ${server.href} must be bound to a key (DPoP), and ${cleanLine(issuer)} has issued a bearer token.`,
      'Its operator must enable DPoP (RFC 9449) there, for this client too; or leave --dpop always out, where the MCP server takes bearer tokens.',
    ),
  bindingForbidden: (server: URL) =>
    failure(
      'binding-impossible',
      `The MCP server at ${server.href} takes only tokens that are bound to a key (DPoP), and --dpop never forbids those.`,
      'Leave --dpop never out.',
    ),
  proofAlgorithmMissing: (server: URL, issuer: string, ours: readonly string[]) =>
    failure(
      'binding-impossible',
      `The token for ${server.href} must be bound to a key (DPoP), and it and ${cleanLine(issuer)} have no algorithm in common that Keyhole signs with.`,
      `Their operators must allow one of ${ours.join(', ')} for proofs at both (dpop_signing_alg_values_supported).`,
    ),

  // Discovery
  resourceMetadataMissing: (server: URL) =>
    failure(
      'resource-metadata-missing',
      `The MCP server at ${server.href} asks for a sign-in but does not say where (no protected resource metadata).`,
      'Its operator must publish /.well-known/oauth-protected-resource (RFC 9728). If it wants an API key instead, use --header.',
    ),
  resourceMismatch: (server: URL, resource: string) =>
    failure(
      'resource-mismatch',
      `The MCP server at ${server.href} says that its tokens are for ${cleanLine(resource)}, which is another server.`,
      "Use the URL that the server calls its own, or have its operator correct the metadata (MCP_SERVER_URL in Keyhole's server).",
    ),
  authorizationServerUnreachable: (url: URL, why: string, cause?: unknown) =>
    failure(
      'authorization-server-unreachable',
      `The authorization server at ${url.origin} cannot be reached: ${cleanLine(why)}.`,
      isUntrustedCertificate(cause)
        ? unknownAuthority
        : 'Check that it is running and that this machine can reach it. The next request tries again.',
      cause,
    ),
  authorizationServerMetadata: (issuer: string, why: string, cause?: unknown) =>
    failure(
      'authorization-server-metadata',
      `The authorization server ${cleanLine(issuer)} does not publish usable metadata: ${cleanLine(why)}.`,
      'Its operator must serve RFC 8414 or OpenID Connect discovery metadata at its issuer URL.',
      cause,
    ),
  issuerNotUrl: (issuer: string) =>
    failure(
      'issuer-mismatch',
      `The issuer is ${JSON.stringify(cleanLine(issuer))}, which is not a URL.`,
      'FusionAuth ships with the issuer acme.com: set Tenants → your tenant → General → Issuer to its public URL, and the same in FUSIONAUTH_ISSUER.',
    ),
  issuerMismatch: (asked: string, answered: string) =>
    failure(
      'issuer-mismatch',
      `The authorization server at ${cleanLine(asked)} calls itself ${JSON.stringify(cleanLine(answered))}.`,
      'Both must be the same string. In FusionAuth: set Tenants → your tenant → General → Issuer to its public URL (it ships as acme.com).',
    ),
  issuerChanged: (before: string, now: string) =>
    failure(
      'issuer-changed',
      `The MCP server now names another authorization server, ${cleanLine(now)}, than the one you signed in at, ${cleanLine(before)}.`,
      'If that is meant, run `mcp-keyhole logout` for this server, register the client there, and put it into --static-oauth-client-info. If not, tell the operator of the MCP server.',
    ),
  pkceUnsupported: (issuer: string) =>
    failure(
      'pkce-unsupported',
      `The authorization server ${cleanLine(issuer)} does not announce PKCE with S256, which MCP requires.`,
      'Its operator must list S256 in code_challenge_methods_supported (FusionAuth does from 1.64 on).',
    ),
  insecureEndpoint: (what: string, url: string, why: string) =>
    failure(
      'insecure-endpoint',
      `The ${what} ${cleanLine(url)} cannot be used: ${why}.`,
      'Addresses that a server names must be https (http only on this machine, for a server on this machine).',
    ),

  // Sign-in
  clientNotRegistered: (issuer: string) =>
    failure(
      'client-not-registered',
      `Keyhole is not registered as a client at ${cleanLine(issuer)}, which lets no client register itself.`,
      'Register it (`npx @mcp-keyhole/setup` does for FusionAuth) and pass the result with --static-oauth-client-info.',
    ),
  clientKeyUnusable: (why: string, cause?: unknown) =>
    failure(
      'client-key-unusable',
      `The private key of --client-key cannot be used: ${cleanLine(why)}.`,
      'It is a private key of the type EC (P-256, P-384, P-521), Ed25519 or RSA (2048 bits or more), as JWK or PEM; its public half must be registered with the client.',
      cause,
    ),
  /** @param where such as "the file /run/token"; never the credential itself */
  credentialUnreadable: (what: string, where: string, why: string, cause?: unknown) =>
    failure(
      'credential-unreadable',
      `The ${what} cannot be read from ${cleanLine(where)}: ${cleanLine(why)}.`,
      'Check that it is there and that this user may read it; it is read anew with the next request.',
      cause,
    ),
  assertionRefused: (issuer: string, details: OAuthErrorDetails, cause?: unknown) =>
    failure(
      'assertion-refused',
      `The authorization server ${cleanLine(issuer)} did not accept the assertion (${said(details)}).`,
      'It must trust the issuer, subject and audience of the assertion, and that must not have expired: `mcp-keyhole doctor` shows its claims.',
      cause,
    ),
  registrationRejected: (issuer: string, details: OAuthErrorDetails) =>
    failure(
      'registration-rejected',
      `The authorization server ${cleanLine(issuer)} did not let Keyhole register itself (${said(details)}).`,
      'Register a client by hand and pass it with --static-oauth-client-info; or correct what the message names with --static-oauth-client-metadata.',
    ),
  deviceGrantUnsupported: (issuer: string) =>
    failure(
      'device-grant-unsupported',
      `The authorization server ${cleanLine(issuer)} has no sign-in on another device.`,
      'Leave --device-code out. In FusionAuth: enable the device grant on the application and set its device verification URL.',
    ),
  /** What went wrong in another process that signed in for this one too. */
  elsewhere: ({ code, message, remedy }: { code: ProxyErrorCode; message: string; remedy: string }) =>
    failure(code, message, remedy),
  callbackPortInUse: (port: number, cause?: unknown) =>
    failure(
      'callback-port-in-use',
      `Port ${String(port)}, to which the sign-in page must send you back, is in use by another program.`,
      `End that program, or choose another port: put it after the server URL and register it (npx @mcp-keyhole/setup --port ${String(port + 1)}).`,
      cause,
    ),
  callbackHostUnusable: (host: string, cause?: unknown) =>
    failure(
      'callback-host-unusable',
      `The sign-in cannot come back to ${cleanLine(host)}: this machine cannot listen there.`,
      'Leave --host out, or use localhost or 127.0.0.1.',
      cause,
    ),
  signInNeeded: (server: URL, url: URL) =>
    new ProxyError(
      'sign-in-needed',
      `You are not signed in to ${server.href} yet: open ${url.href} in a browser.`,
      'When you have signed in there, repeat the request.',
      { url },
    ),
  signInRefused: (server: URL, details: OAuthErrorDetails) =>
    failure(
      'sign-in-refused',
      `The sign-in to ${server.href} was refused (${said(details)}).`,
      refusalRemedy(details),
    ),
  signInTimeout: (server: URL, milliseconds: number) =>
    failure(
      'sign-in-timeout',
      `Nobody completed the sign-in to ${server.href} within ${String(Math.round(milliseconds / 1000))} seconds.`,
      `Try again, or run \`mcp-keyhole login ${server.href}\` in a terminal. --auth-timeout SEC gives more time.`,
    ),
  signInBusy: (server: URL, milliseconds: number) =>
    failure(
      'sign-in-busy',
      `Another program has been signing in to ${server.href} for ${String(Math.round(milliseconds / 1000))} seconds.`,
      'Complete the sign-in in the browser tab that is open for it, or close that program, and try again.',
    ),
  signInInvalid: (issuer: string, why: string, cause?: unknown) =>
    failure(
      'sign-in-invalid',
      `The answer of the authorization server ${cleanLine(issuer)} failed a security check: ${cleanLine(why)}.`,
      'No token was accepted. Try again; if it happens again, tell the operator of the authorization server.',
      cause,
    ),
  tokenRequestFailed: (issuer: string, details: OAuthErrorDetails, cause?: unknown) =>
    failure(
      'token-request-failed',
      `The authorization server ${cleanLine(issuer)} refused to issue a token (${said(details)}).`,
      refusalRemedy(details),
      cause,
    ),
  idTokenMissing: (issuer: string) =>
    failure(
      'token-request-failed',
      `The authorization server ${cleanLine(issuer)} issued no id_token, which --use-id-token sends.`,
      'Leave --use-id-token out, or have the client ask for the scope openid.',
    ),
  tokenEndpointUnavailable: (issuer: string, why: string, cause?: unknown) =>
    failure(
      'token-endpoint-unavailable',
      `The token endpoint of ${cleanLine(issuer)} does not work at the moment: ${cleanLine(why)}.`,
      'An existing sign-in stays as it is. The next request tries again.',
      cause,
    ),

  // Token store
  keychainAbsent: (why: string, cause?: unknown) =>
    failure(
      'keychain-absent',
      `This session has no keychain: ${cleanLine(why)}.`,
      'On Linux install and start a Secret Service (gnome-keyring or KWallet) and run in its D-Bus session, or choose --token-store file, or memory to sign in anew at each start.',
      cause,
    ),
  keychainLocked: (cause?: unknown) =>
    failure(
      'keychain-locked',
      'The keychain is locked.',
      'Unlock it (log in at the desktop, open its manager, or over SSH on macOS run `security unlock-keychain`) and try again.',
      cause,
    ),
  keychainTimeout: (milliseconds: number) =>
    failure(
      'keychain-timeout',
      `The keychain did not answer within ${String(Math.round(milliseconds / 1000))} seconds.`,
      'Perhaps it waits for you to unlock it, in a window that is hidden. Unlock it and try again.',
    ),
  keychainFailed: (what: string, why: string, cause?: unknown) =>
    failure(
      'keychain-failed',
      `The keychain could not ${what}: ${cleanLine(why)}.`,
      'Check the keychain with its own program, or choose another place with --token-store.',
      cause,
    ),
  signInUnreadable: (account: string, why: string, cause?: unknown) =>
    failure(
      'sign-in-unreadable',
      `The stored sign-in for ${cleanLine(account)} cannot be read: ${cleanLine(why)}.`,
      'It was left as it is. `mcp-keyhole logout` with the same arguments removes it; then sign in again.',
      cause,
    ),
  passphraseMissing: (account: string) =>
    failure(
      'passphrase-missing',
      `What is stored for ${cleanLine(account)} is encrypted, and there is no passphrase.`,
      'Set the environment variable MCP_KEYHOLE_PASSPHRASE to the passphrase it was encrypted with.',
    ),
  passphraseWrong: (account: string, cause?: unknown) =>
    failure(
      'passphrase-wrong',
      `What is stored for ${cleanLine(account)} does not open with this passphrase.`,
      'Check MCP_KEYHOLE_PASSPHRASE. If the passphrase is lost, `mcp-keyhole logout` removes a sign-in and `mcp-keyhole secret remove` a secret; then begin anew.',
      cause,
    ),
  secretMissing: (name: string, store: 'keychain' | 'file') =>
    failure(
      'secret-missing',
      `The configuration needs the secret ${cleanLine(name)}, which is not in the ${store === 'file' ? 'file store' : 'keychain'}.`,
      `Run \`mcp-keyhole secret set ${cleanLine(name)}${store === 'file' ? ' --token-store file' : ''}\` in a terminal.`,
    ),
  secretUnreadable: (name: string, why: string, cause?: unknown) =>
    failure(
      'secret-unreadable',
      `The stored secret ${cleanLine(name)} cannot be read: ${cleanLine(why)}.`,
      `\`mcp-keyhole secret set ${cleanLine(name)}\` stores it anew.`,
      cause,
    ),
  importMissing: (server: URL, folder: string, others: number) =>
    failure(
      'import-missing',
      `mcp-remote has no sign-in for ${server.href} in ${cleanLine(folder)} (${String(others)} for other servers or flags).`,
      'Its files are named after the URL and flags it was given: repeat those exactly (--header, --header-file, --resource, --authorize-param, --client-metadata-url, --token-endpoint).',
    ),
  importRefused: (server: URL, why: string) =>
    failure(
      'import-refused',
      `The sign-in that mcp-remote has for ${server.href} cannot be taken over: ${cleanLine(why)}.`,
      `Nothing was changed. \`mcp-keyhole login ${server.href}\` signs in anew.`,
    ),
  stateFolderUnusable: (folder: string, why: string, cause?: unknown) =>
    failure(
      'state-folder-unusable',
      `The folder ${cleanLine(folder)} cannot be used: ${cleanLine(why)}.`,
      'Make it writable for your user, or name another one in the environment variable MCP_KEYHOLE_DIR.',
      cause,
    ),
  memoryStoreRefused: () =>
    failure(
      'memory-store-refused',
      'A sign-in kept in memory would be gone when this command ends.',
      'Use --token-store keychain; without a keychain on this machine, let the host start the proxy and sign in there.',
    ),

  // The bridge
  toolHidden: (name: string) =>
    failure(
      'tool-hidden',
      `The tool ${JSON.stringify(cleanLine(name))} is hidden by the configuration.`,
      'To allow it, change --ignore-tool, --allow-tool or --read-only there and restart the host.',
    ),
  messageUnreadable: (why: string) =>
    failure(
      'message-unreadable',
      `The host sent a line that is not a JSON-RPC message: ${cleanLine(why)}.`,
      'This is a fault in the host; Keyhole goes on with the next line.',
    ),
  inputNotGiven: (server: URL, method: string, milliseconds: number) =>
    failure(
      'input-missing',
      `The MCP server at ${server.href} wants to know something (${cleanLine(method)}), and the host did not answer within ${String(Math.round(milliseconds / 1000))} seconds.`,
      'Repeat the request, and answer what the host then asks.',
    ),
  inputEndless: (server: URL, rounds: number) =>
    failure(
      'input-missing',
      `The MCP server at ${server.href} goes on asking for input after ${String(rounds)} rounds of answers.`,
      'Repeat the request with other answers; if they were right, its operator can help.',
    ),
  shuttingDown: () => failure('shutting-down', 'Keyhole is ending.', 'Start it again to go on.'),
} as const;

function refusalRemedy(details: OAuthErrorDetails): string {
  switch (details.reason ?? details.error) {
    case 'client_authentication_missing':
      return 'FusionAuth demands a client secret for refreshing: set the application\'s client authentication to "Not required" with PKCE required (npx @mcp-keyhole/setup does).';
    case 'consent_canceled':
    case 'access_denied':
      return 'Sign in again and allow the access if you want to use this server.';
    case 'invalid_target':
      return "The server's address is not among the application's authorized resource URIs: add it in FusionAuth, exactly as the server publishes it.";
    case 'unknown_scope':
    case 'invalid_scope':
      return 'The client, or a tool of the server, asks for a scope that is not set up: add it to the scopes of the application (in FusionAuth npx @mcp-keyhole/setup doctor --fix does), or correct the scope in --static-oauth-client-info.';
    case 'invalid_redirect_uri':
      return "Add the redirect URI to the application's authorized redirect URLs, exactly, port included.";
    case 'invalid_client':
    case 'unauthorized_client':
      return 'Check client_id and client_secret in --static-oauth-client-info, or that the public half of --client-key is registered; the application may have been removed.';
    default:
      return 'Try again; if it happens again, the log of the authorization server says why.';
  }
}
