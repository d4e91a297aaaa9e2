import { homedir } from 'node:os';
import path from 'node:path';
import {
  choice,
  httpUrl,
  isLoopback,
  InvalidValue,
  listOption,
  messageOf,
  parseCommandLine,
  port as parsePort,
  seconds,
  switchOption,
  valueOption,
  type OptionValues,
  type ReadTextFile,
} from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';

/** What `mcp-keyhole` can do; `connect` is the default and has no word of its own. */
export const commands = ['login', 'logout', 'status'] as const;

/** A client that was registered by hand. */
export interface PreRegisteredClient {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** Space-separated; when given, exactly these scopes are asked for. */
  readonly scope?: string | undefined;
}

/** The options of every command: this table drives parsing, types and `--help`. */
export const options = {
  client: valueOption({
    flag: 'static-oauth-client-info',
    placeholder: 'JSON',
    secret: true,
    help: 'The client registered at the authorization server: {"client_id", "client_secret"?, "scope"?}',
    parse: parseClientInfo,
    fallback: undefined,
  }),
  allowHttp: switchOption({ flag: 'allow-http', help: 'Allow http to a server on another machine' }),
  headers: listOption({
    flag: 'header',
    placeholder: "'NAME: VALUE'",
    secret: true,
    help: 'A header for every request to the server',
    parse: parseHeader,
  }),
  host: valueOption({
    flag: 'host',
    placeholder: 'HOST',
    help: 'The host in the redirect URI; the listener is on loopback only [localhost]',
    parse: parseCallbackHost,
    fallback: 'localhost',
  }),
  signInTimeout: valueOption({
    flag: 'auth-timeout',
    placeholder: 'SEC',
    help: 'How long a sign-in may take [300]',
    parse: seconds,
    fallback: 300_000,
  }),
  tokenStore: valueOption({
    flag: 'token-store',
    env: 'MCP_KEYHOLE_TOKEN_STORE',
    placeholder: 'STORE',
    help: 'Where tokens are kept: keychain, memory (until the proxy ends), or auto: the keychain, else memory [auto]',
    parse: choice(['auto', 'keychain', 'memory']),
    fallback: 'auto' as const,
  }),
  debug: switchOption({
    flag: 'debug',
    env: 'MCP_KEYHOLE_DEBUG',
    help: 'Log each step on stderr (never a token)',
  }),
} as const;

/** Everything that a run of the proxy is told: frozen, and complete. */
export type ProxyConfig = OptionValues<typeof options> & {
  readonly command: 'connect' | (typeof commands)[number];
  /** The MCP server; only `status` can do without. */
  readonly server: URL | undefined;
  readonly callbackPort: number;
  /** Where what is not secret is kept: the index of sign-ins and the locks. */
  readonly stateFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** What the command line asks for. */
export type Invocation =
  { readonly show: 'help' | 'version' } | { readonly show: 'nothing'; readonly config: ProxyConfig };

/**
 * Reads the command line and the environment. Pure but for `@file` values, which `readTextFile` reads.
 *
 * @throws UsageError, ProxyError (code `usage`)
 */
export function loadConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readTextFile?: ReadTextFile,
): Invocation {
  const line = parseCommandLine(options, {
    program: 'mcp-keyhole',
    argv,
    env,
    ...(readTextFile === undefined ? {} : { readTextFile }),
  });
  if (line.help) return { show: 'help' };
  if (line.version) return { show: 'version' };
  const command = commands.find((word) => word === line.positionals[0]) ?? 'connect';
  const rest = command === 'connect' ? line.positionals : line.positionals.slice(1);
  const { server, callbackPort } = readPositionals(rest, line.values.allowHttp);
  if (server === undefined && command !== 'status') throw errors.urlMissing();
  return {
    show: 'nothing',
    config: Object.freeze({
      ...line.values,
      command,
      server,
      callbackPort,
      stateFolder: stateFolderOf(env),
      environment: env,
    }),
  };
}

/** The server URL and the callback port, in either order. */
function readPositionals(
  words: readonly string[],
  allowHttp: boolean,
): { server: URL | undefined; callbackPort: number } {
  const numbers = words.filter((word) => /^\d+$/u.test(word));
  const others = words.filter((word) => !/^\d+$/u.test(word));
  const surplus = others[1] ?? numbers[1];
  if (surplus !== undefined) throw errors.surplusArgument(surplus);
  return {
    server: others[0] === undefined ? undefined : parseServer(others[0], allowHttp),
    callbackPort: numbers[0] === undefined ? 3334 : parseCallbackPort(numbers[0]),
  };
}

function parseServer(word: string, allowHttp: boolean): URL {
  let url: URL;
  try {
    url = httpUrl(word);
  } catch (error) {
    throw errors.urlUnusable(word, messageOf(error));
  }
  if (url.protocol === 'http:' && !allowHttp && !isLoopback(url)) throw errors.httpToRemoteHost(url);
  return url;
}

function parseCallbackPort(word: string): number {
  try {
    return parsePort(word);
  } catch (error) {
    throw errors.portUnusable(word, messageOf(error));
  }
}

function parseCallbackHost(raw: string): string {
  if (!/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])$/u.test(raw) || !URL.canParse(`http://${raw}`)) {
    throw new InvalidValue('it is a host name or address without a port, such as localhost or 127.0.0.1');
  }
  return raw.toLowerCase();
}

function parseClientInfo(raw: string): PreRegisteredClient {
  let info: unknown;
  try {
    info = JSON.parse(raw);
  } catch {
    // Not the parser's own message: it quotes the input, which may hold a secret.
    throw errors.clientInfoUnusable('it is not valid JSON (some hosts strip the quotes: then use @file)');
  }
  if (typeof info !== 'object' || info === null || Array.isArray(info)) {
    throw errors.clientInfoUnusable('it is not a JSON object');
  }
  const field = (name: 'client_id' | 'client_secret' | 'scope'): string | undefined => {
    const value = (info as Record<string, unknown>)[name];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw errors.clientInfoUnusable(`${name} is not a text`);
    return value;
  };
  const clientId = field('client_id');
  if (clientId === undefined) throw errors.clientInfoUnusable('client_id is missing');
  return { clientId, clientSecret: field('client_secret'), scope: field('scope') };
}

function parseHeader(raw: string): readonly [name: string, value: string] {
  const colon = raw.indexOf(':');
  const name = raw.slice(0, Math.max(colon, 0)).trim();
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u.test(name)) {
    throw errors.headerUnusable('it does not begin with a header name and a colon');
  }
  const value = raw.slice(colon + 1).trim();
  // RFC 9110, section 5.5: anything else could end the header and begin another.
  if (!/^[\t\u0020-\u007e\u0080-\u00ff]*$/u.test(value)) {
    throw errors.headerUnusable(`the value of ${name} has characters that HTTP does not allow`);
  }
  return [name, value];
}

/** `MCP_KEYHOLE_DIR`, else the platform's usual place for state that is not secret. */
function stateFolderOf(env: Readonly<Record<string, string | undefined>>): string {
  const given = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const folder = given('MCP_KEYHOLE_DIR');
  if (folder !== undefined) return path.resolve(folder);
  const home = given('HOME') ?? homedir();
  const usual: Partial<Record<NodeJS.Platform, string>> = {
    darwin: path.join(home, 'Library', 'Application Support'),
    win32: given('LOCALAPPDATA') ?? path.join(homedir(), 'AppData', 'Local'),
  };
  return path.join(
    usual[process.platform] ?? given('XDG_STATE_HOME') ?? path.join(home, '.local', 'state'),
    'mcp-keyhole',
  );
}
