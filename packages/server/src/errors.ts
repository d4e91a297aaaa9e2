import { CliError } from '@mcp-keyhole/cli-kit';

/** The codes of {@link ServerError}; the README lists each. */
export type ServerErrorCode =
  | 'port-in-use'
  | 'port-not-permitted'
  | 'host-not-available'
  | 'issuer-not-a-url'
  | 'server-url-with-path'
  | 'unprotected-on-network'
  | 'webhooks-without-use'
  | 'unexpected-argument'
  | 'unusable-option'
  | 'body-unread';

/** The options that name a port to listen on. */
export type PortOption = 'port' | 'metrics-port';

/** Why the server could not start, or what is wrong with how the library is used. */
export class ServerError extends CliError<ServerErrorCode> {}

/** What to do when FusionAuth's issuer and the configured one differ. */
export const issuerRemedy =
  'In FusionAuth open Tenants, edit the tenant, and on the tab General set Issuer to the URL under which browsers ' +
  'reach FusionAuth (http://localhost:9011 for local use), and let FUSIONAUTH_ISSUER be exactly that string; by ' +
  'default it is FUSIONAUTH_EXTERNAL_URL.';

export const errors = {
  portInUse: (port: number, cause: unknown, option: PortOption = 'port') =>
    new ServerError(
      'port-in-use',
      `Port ${port} is in use by another process.`,
      `End that process, or choose another port: --${option} ${port === 65_535 ? 8000 : port + 1} ` +
        `(environment: ${option.toUpperCase().replace('-', '_')}).`,
      { cause },
    ),
  portNotPermitted: (port: number, cause: unknown, option: PortOption = 'port') =>
    new ServerError(
      'port-not-permitted',
      `The system does not let this user listen on port ${port}.`,
      `Choose a port above 1023, such as --${option} 8000, and let a reverse proxy answer on 80 and 443.`,
      { cause },
    ),
  hostNotAvailable: (host: string, cause: unknown) =>
    new ServerError(
      'host-not-available',
      `This machine has no address ${JSON.stringify(host)} to listen on.`,
      'Set HOST to 127.0.0.1 for this machine only, or to 0.0.0.0 for all its networks.',
      { cause },
    ),
  issuerNotUrl: (issuer: string) =>
    new ServerError(
      'issuer-not-a-url',
      `The issuer ${JSON.stringify(issuer)} is not an http or https URL, so no MCP client could find FusionAuth by it.`,
      `acme.com is what every new FusionAuth tenant calls itself. ${issuerRemedy}`,
      { exitCode: 2 },
    ),
  serverUrlWithPath: (url: string, base: string) =>
    new ServerError(
      'server-url-with-path',
      `MCP_SERVER_URL is ${url}, but it has no query and does not name the endpoint: the server adds /mcp itself.`,
      `Set MCP_SERVER_URL to ${base}.`,
      { exitCode: 2 },
    ),
  unprotectedOnNetwork: (where: string) =>
    new ServerError(
      'unprotected-on-network',
      `AUTH=off would open the server to everyone who can reach ${where}.`,
      'Leave AUTH=off out, or keep to this machine: HOST=127.0.0.1 and an MCP_SERVER_URL on localhost.',
      { exitCode: 2 },
    ),
  secretWithoutPath: () =>
    new ServerError(
      'webhooks-without-use',
      'WEBHOOK_SECRET is set, but without WEBHOOK_PATH the server takes no webhooks.',
      'Set WEBHOOK_PATH as well, such as /webhooks/fusionauth, or leave both out.',
      { exitCode: 2 },
    ),
  webhooksWithoutTokens: () =>
    new ServerError(
      'webhooks-without-use',
      'WEBHOOK_PATH is set, but with AUTH=off there are no tokens that FusionAuth could end.',
      'Leave one of them out.',
      { exitCode: 2 },
    ),
  unexpectedArgument: (argument: string) =>
    new ServerError(
      'unexpected-argument',
      `There is no place for the argument ${JSON.stringify(argument)}.`,
      'All settings are flags or environment variables; `mcp-keyhole-server --help` lists them.',
      { exitCode: 2 },
    ),
  /** @param value undefined when it is a secret */
  unusableOption: (option: string, value: unknown, why: string) =>
    new ServerError(
      'unusable-option',
      `${option} cannot be used${value === undefined ? '' : ` (${JSON.stringify(value)})`}: ${why}.`,
      'Correct it where your program calls @mcp-keyhole/server; the types of the package say what each option is.',
    ),
  bodyUnread: () =>
    new ServerError(
      'body-unread',
      'requireToolScopes got a JSON body that nobody has read, so that it cannot know which tool is called.',
      'Put express.json() in front of it: app.use(path, express.json(), requireToolScopes(tools)).',
    ),
};

/**
 * All that the wire says about a refused request (RFC 6750, section 3.1). Why it was refused is for the log: a reason in
 * the answer would tell an attacker which of his guesses was right.
 */
export const wireDescriptions = {
  // The sentence of FusionAuth's guide, which readers compare with what they see.
  invalidToken:
    'Authentication failed. The provided bearer token is invalid, expired, or no longer recognized by the server. ' +
    'To resolve: clear authentication tokens in your MCP client and reconnect. Your client should automatically ' +
    're-register and obtain new tokens.',
  invalidProof: 'The DPoP proof is not one for this request, or was used before.',
  nonceNeeded: 'The DPoP proof has to carry the nonce of the header DPoP-Nonce.',
  insufficientScope: 'The access token lacks a scope that this operation needs.',
  malformedHeader: 'The Authorization header is not of the form "Bearer TOKEN" or "DPoP TOKEN".',
  severalCredentials: 'The request carries more than one access token.',
  unavailable: 'The access token cannot be checked at the moment. Try again shortly.',
  internal: 'Internal server error',
};
