import {
  expandEnvironment,
  httpUrl,
  InvalidValue,
  isLoopback,
  messageOf,
  parseCommandLine,
  port as parsePort,
  readSecret,
  stateFolderOf,
  type OptionValues,
  type ReadTextFile,
} from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';
import { parseHeaderFile, type PreRegisteredClient } from './option-values.ts';
import { options } from './options.ts';

/**
 * What `mcp-keyhole` can do: whether it takes the URL of a server (with the callback port), and how many words of its own
 * after that. `connect` is the default and has no name on the command line.
 */
const forms = {
  connect: { server: 'required', ownWords: 0 },
  login: { server: 'required', ownWords: 0 },
  logout: { server: 'required', ownWords: 0 },
  status: { server: 'optional', ownWords: 0 },
  tools: { server: 'required', ownWords: 0 },
  call: { server: 'required', ownWords: 2 },
  doctor: { server: 'required', ownWords: 0 },
  import: { server: 'optional', ownWords: 0 },
  secret: { server: 'none', ownWords: 2 },
} as const;

type Command = keyof typeof forms;

/** The commands that have a name on the command line. */
export const commands = (Object.keys(forms) as Command[]).filter((command) => command !== 'connect');

/** Everything that a run of the proxy is told: frozen, and complete. */
export type ProxyConfig = OptionValues<typeof options> & {
  readonly command: Command;
  /** The MCP server; always there where the command needs one. */
  readonly server: URL | undefined;
  /** The command's own words: for `call` the tool and its arguments, for `secret` what to do and the name. */
  readonly words: readonly string[];
  /** The server and the headers as they stand on the command line, by which mcp-remote names its files. */
  readonly asWritten: { readonly server: string; readonly headers: readonly string[] };
  readonly callbackPort: number;
  /** Where what is not secret is kept: the index of sign-ins and the locks. */
  readonly stateFolder: string;
  /** The process's own environment, live. */
  readonly environment: Record<string, string | undefined>;
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
  env: Record<string, string | undefined>,
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
  const headers = line.values.headerFiles.flatMap((path) => readHeaderFile(path, env, readTextFile));
  const command = commands.find((word) => word === line.positionals[0]) ?? 'connect';
  const rest = command === 'connect' ? line.positionals : line.positionals.slice(1);
  const form = forms[command];
  const { url, port, words } = form.server === 'none' ? { words: rest } : splitPositionals(rest);
  const surplus = words[form.ownWords];
  if (surplus !== undefined && command === 'secret') throw errors.secretOnCommandLine();
  if (surplus !== undefined) throw errors.surplusArgument(surplus);
  if (url === undefined && form.server === 'required') throw errors.urlMissing();
  const { client, clientId, clientMetadataUrl } = line.values;
  checkTogether(
    line.values,
    [client, clientId, clientMetadataUrl].some((given) => given !== undefined),
  );
  return {
    show: 'nothing',
    config: Object.freeze({
      ...line.values,
      client: clientOf(line.values),
      headers: [...headers, ...line.values.headers],
      withoutResource: line.values.withoutResource || line.values.resource === '',
      command,
      server: url === undefined ? undefined : parseServer(url, line.values.allowHttp),
      callbackPort: port === undefined ? 3334 : parseCallbackPort(port),
      words,
      asWritten: { server: url ?? '', headers: line.given.get('header') ?? [] },
      stateFolder: stateFolderOf(env),
      environment: env,
    }),
  };
}

/** The client that was registered by hand, written in one way or the other. */
function clientOf({
  client,
  clientId,
  clientSecret,
  scopes,
}: OptionValues<typeof options>): PreRegisteredClient | undefined {
  if (clientId === undefined) {
    // The secret may stand in the environment for another server's client.
    if (scopes.length > 0) throw errors.clientIdMissing();
    return client;
  }
  if (client !== undefined) throw errors.clientTwice();
  return {
    clientId,
    ...(clientSecret === undefined
      ? {}
      : 'name' in clientSecret
        ? { secretName: clientSecret.name }
        : { clientSecret: clientSecret.value }),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
  };
}

/** What a flag alone cannot know: which of them exclude one another, and which want another one. */
function checkTogether(values: OptionValues<typeof options>, hasClient: boolean): void {
  const { clientCredentials, deviceCode, workloadToken, clientKey, clientAuthentication: method } = values;
  const grants = [
    clientCredentials ? '--client-credentials' : '',
    deviceCode ? '--device-code' : '',
    workloadToken === undefined ? '' : '--workload-token',
    // A user who signs in at the identity provider may do so by a code on another device.
    values.identityProvider === undefined || deviceCode ? '' : '--identity-provider',
  ].filter((flag) => flag !== '');
  if (grants.length > 1) throw errors.grantsExclusive(grants);
  if (clientKey !== undefined && !hasClient) throw errors.flagIncomplete('--client-key', '--client-id');
  if (method === 'private_key_jwt' && clientKey === undefined)
    throw errors.flagIncomplete(`--token-endpoint-auth-method ${method}`, '--client-key');
  if (values.useIdToken && values.dpop === 'always') throw errors.bindingExclusive();
  const { identityProvider, identityProviderClient, identityToken } = values;
  if (identityProvider !== undefined && identityProviderClient === undefined)
    throw errors.flagIncomplete('--identity-provider', '--identity-provider-client');
  if (identityProvider !== undefined && !hasClient)
    throw errors.flagIncomplete(
      '--identity-provider',
      '--client-id (the client at the authorization server)',
    );
  if (identityProvider === undefined && (identityProviderClient ?? identityToken) !== undefined)
    throw errors.flagIncomplete('--identity-provider-client or --identity-token', '--identity-provider');
  const { cert, key, tokenEndpointCert, tokenEndpointKey } = values;
  if (tokenEndpointCert !== undefined && tokenEndpointKey === undefined)
    throw errors.flagIncomplete('--token-endpoint-cert', '--token-endpoint-key');
  if (tokenEndpointKey !== undefined && tokenEndpointCert === undefined)
    throw errors.flagIncomplete('--token-endpoint-key', '--token-endpoint-cert');
  const hasCertificate = tokenEndpointCert !== undefined || (cert !== undefined && key !== undefined);
  if (method?.endsWith('tls_client_auth') === true && !hasCertificate) {
    throw errors.flagIncomplete(
      `--token-endpoint-auth-method ${method}`,
      '--token-endpoint-cert and --token-endpoint-key (or --cert and --key)',
    );
  }
}

function readHeaderFile(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  readTextFile: ReadTextFile | undefined,
): ReturnType<typeof parseHeaderFile> {
  try {
    return parseHeaderFile(expandEnvironment(readSecret(`@${file}`, env, readTextFile), env));
  } catch (error) {
    if (error instanceof InvalidValue) throw errors.headerUnusable(error.message);
    throw error;
  }
}

/** The server's URL and the callback port come first, in either order; what follows are the command's own words. */
function splitPositionals(positionals: readonly string[]): {
  url?: string | undefined;
  port?: string | undefined;
  words: readonly string[];
} {
  const isNumber = (word: string): boolean => /^\d+$/u.test(word);
  const [first = '', second = ''] = positionals;
  const both = isNumber(first) !== isNumber(second) && second !== '';
  const head = positionals.slice(0, both ? 2 : 1);
  return {
    url: head.find((word) => !isNumber(word)),
    port: head.find(isNumber),
    words: positionals.slice(head.length),
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
