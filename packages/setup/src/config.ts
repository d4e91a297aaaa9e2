import { statSync } from 'node:fs';
import path from 'node:path';
import {
  httpUrl,
  InvalidValue,
  isLoopback,
  parseCommandLine,
  port,
  switchOption,
  text,
  UsageError,
  valueOption,
  type OptionValues,
  type ReadTextFile,
} from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';

/** The API key of `kickstart/kickstart.json`: public, in every clone and in FusionAuth's own example; for demonstrations only. */
export const demoApiKey = 'bf69486b-4733-4470-a592-f1bfce7af580';

/** The options of the setup tool: this table drives parsing, types and `--help`. */
export const options = {
  name: valueOption({
    flag: 'name',
    placeholder: 'NAME',
    help: 'What the client is called in FusionAuth and on its consent page; asked for on a terminal',
    parse: parseName,
    fallback: undefined,
  }),
  fusionAuthUrl: valueOption({
    flag: 'fusionauth-url',
    env: 'FUSIONAUTH_URL',
    placeholder: 'URL',
    help: 'Where FusionAuth is [http://localhost:9011]',
    parse: parseBaseUrl,
    fallback: 'http://localhost:9011',
  }),
  apiKey: valueOption({
    flag: 'api-key',
    env: 'FUSIONAUTH_API_KEY',
    placeholder: 'KEY',
    secret: true,
    help: "FusionAuth's API key; on this machine the demo key of the kickstart by default",
    parse: parseApiKey,
    fallback: undefined,
  }),
  mcpServerUrl: valueOption({
    flag: 'mcp-server-url',
    env: 'MCP_SERVER_URL',
    placeholder: 'URL',
    help: 'Where the MCP server is, without /mcp [http://localhost:8000]',
    parse: parseMcpServerUrl,
    fallback: 'http://localhost:8000',
  }),
  callbackPort: valueOption({
    flag: 'port',
    placeholder: 'PORT',
    help: 'The port of the proxy to which a sign-in comes back [3334]',
    parse: (raw) => port(raw),
    fallback: 3334,
  }),
  tenantId: valueOption({
    flag: 'tenant-id',
    placeholder: 'ID',
    help: 'The FusionAuth tenant; needed when there are several',
    parse: parseUuid,
    fallback: undefined,
  }),
  proxyPath: valueOption({
    flag: 'proxy-path',
    placeholder: 'FILE',
    help: 'Print a configuration that runs this file with node (a clone), not npx mcp-keyhole',
    parse: parseFile,
    fallback: undefined,
  }),
  json: switchOption({ flag: 'json', help: 'Print the result as one JSON object on stdout' }),
  debug: switchOption({ flag: 'debug', help: 'Show what caused a failure' }),
} as const;

/** Everything that a run is told: frozen, and complete. */
export type SetupConfig = Omit<OptionValues<typeof options>, 'apiKey'> & {
  readonly apiKey: string;
  /** The API key was not given: it is the kickstart's. */
  readonly usesDemoKey: boolean;
};

/** What the command line asks for. */
export type Invocation =
  { readonly show: 'help' | 'version' } | { readonly show: 'nothing'; readonly config: SetupConfig };

/**
 * Reads the command line and the environment.
 *
 * @throws UsageError, SetupError (code `api-key-missing`)
 */
export function loadConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readTextFile?: ReadTextFile,
): Invocation {
  const line = parseCommandLine(options, {
    program: 'mcp-keyhole-setup',
    argv,
    env,
    ...(readTextFile === undefined ? {} : { readTextFile }),
  });
  if (line.help) return { show: 'help' };
  if (line.version) return { show: 'version' };
  const surplus = line.positionals[0];
  if (surplus !== undefined) {
    throw new UsageError(
      `There is nothing to do with ${JSON.stringify(surplus)}.`,
      'A name with spaces needs quotes: --name "Claude Desktop". `mcp-keyhole-setup --help` lists all flags.',
    );
  }
  const { apiKey, ...values } = line.values;
  // Only on this machine: the demo key must not be tried on a FusionAuth somewhere else.
  if (apiKey === undefined && !isLoopback(new URL(values.fusionAuthUrl))) {
    throw errors.apiKeyMissing(values.fusionAuthUrl);
  }
  return {
    show: 'nothing',
    config: Object.freeze({ ...values, apiKey: apiKey ?? demoApiKey, usesDemoKey: apiKey === undefined }),
  };
}

/** A client's name: one line of ordinary text. */
export function parseName(raw: string): string {
  const name = text(raw).trim();
  if (/\p{Cc}/u.test(name)) throw new InvalidValue('a name is one line of text');
  return name;
}

/** An http(s) URL to which paths are added: without query and without slashes at its end. */
export function parseBaseUrl(raw: string): string {
  const url = httpUrl(raw);
  if (url.search !== '') throw new InvalidValue('it has a query (?…)');
  return url.href.replace(/\/+$/u, '');
}

export function parseMcpServerUrl(raw: string): string {
  const url = parseBaseUrl(raw);
  if (url.endsWith('/mcp')) throw new InvalidValue('/mcp is added to it, so leave that out');
  return url;
}

function parseApiKey(raw: string): string {
  const key = raw.trim();
  // RFC 9110, section 5.5: nothing else fits into a header.
  if (!/^[\u0021-\u007e]+$/u.test(key)) throw new InvalidValue('an API key is one word of ASCII characters');
  return key;
}

export function parseUuid(raw: string): string {
  if (!/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu.test(raw)) {
    throw new InvalidValue('it is a UUID, such as d7d09513-a3f5-401c-9685-34ab6c552453');
  }
  return raw.toLowerCase();
}

export function parseFile(raw: string): string {
  // Absolute, since the host starts the proxy in a folder of its own choice.
  const file = path.resolve(raw);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new InvalidValue(`there is no file ${file}`);
  }
  return file;
}
