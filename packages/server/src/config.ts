import {
  choice,
  httpUrl,
  InvalidValue,
  isLoopback,
  parseCommandLine,
  port,
  switchOption,
  valueOption,
  type CommandLine,
  type OptionValues,
} from '@mcp-keyhole/cli-kit';
import { dpopConfigOf, dpopOptions, type DpopConfig } from './dpop/dpop-options.ts';
import { errors } from './errors.ts';
import { listenAddress, urlOfHost } from './listen-address.ts';
import { operationOf, operationOptions, type OperationConfig } from './operation.ts';
import { scopeOptions, scopesOf, type ScopeConfig } from './scopes/scope-config.ts';
import { validations, type Validation } from './token-verifier/token-verifier.ts';
import { webhookConfigOf, webhookOptions, type WebhookConfig } from './webhooks/webhook-options.ts';

export const program = 'mcp-keyhole-server';

/** The environment that a configuration is read from, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Every option: drives parsing, types, `--help` and the README's table. */
export const optionTable = {
  fusionAuthUrl: valueOption({
    flag: 'fusionauth-url',
    env: 'FUSIONAUTH_URL',
    placeholder: 'URL',
    help: 'Where this server reaches FusionAuth [http://localhost:9011]',
    parse: baseUrl,
    fallback: 'http://localhost:9011',
  }),
  fusionAuthExternalUrl: valueOption({
    flag: 'fusionauth-external-url',
    env: 'FUSIONAUTH_EXTERNAL_URL',
    placeholder: 'URL',
    help: 'Where browsers reach FusionAuth [the same]',
    parse: baseUrl,
    fallback: undefined,
  }),
  issuer: valueOption({
    flag: 'fusionauth-issuer',
    env: 'FUSIONAUTH_ISSUER',
    placeholder: 'URL',
    help: "The tenant's issuer, exactly as FusionAuth has it [the external URL]",
    parse: issuerUrl,
    fallback: undefined,
  }),
  mcpServerUrl: valueOption({
    flag: 'mcp-server-url',
    env: 'MCP_SERVER_URL',
    placeholder: 'URL',
    help: 'Where MCP clients reach this server; the protected resource is it + /mcp [http://localhost:PORT]',
    parse: publicUrl,
    fallback: undefined,
  }),
  host: valueOption({
    flag: 'host',
    env: 'HOST',
    placeholder: 'ADDRESS',
    help: 'The address to listen on; 0.0.0.0 is every network [127.0.0.1]',
    parse: listenAddress,
    fallback: '127.0.0.1',
  }),
  port: valueOption({
    flag: 'port',
    env: 'PORT',
    placeholder: 'PORT',
    help: 'The port to listen on; 0 lets the system choose [8000]',
    parse: (raw) => port(raw, { any: true }),
    fallback: 8000,
  }),
  authentication: valueOption({
    flag: 'auth',
    env: 'AUTH',
    placeholder: 'on|off',
    help: 'off: no authentication at all, for trying out, on this machine only [on]',
    parse: choice(['on', 'off']),
    fallback: 'on',
  }),
  validation: valueOption({
    flag: 'token-validation',
    env: 'TOKEN_VALIDATION',
    placeholder: validations.join('|'),
    help: 'Who verifies tokens: jwks this server, with published keys; api FusionAuth; auto whoever can [auto]',
    parse: choice(validations),
    fallback: 'auto' as const,
  }),
  clockTolerance: valueOption({
    flag: 'clock-tolerance',
    env: 'CLOCK_TOLERANCE',
    placeholder: 'SECONDS',
    help: "By how much FusionAuth's clock and this one may differ [30]",
    parse: clockTolerance,
    fallback: 30,
  }),
  tokenCache: valueOption({
    flag: 'token-cache',
    env: 'TOKEN_CACHE',
    placeholder: 'SECONDS',
    help: 'How long a token that was found good is not verified again, at most; 0 verifies each time [until it expires]',
    parse: tokenCache,
    fallback: 86_400,
  }),
  ...scopeOptions,
  ...webhookOptions,
  ...dpopOptions,
  ...operationOptions,
  debug: switchOption({ flag: 'debug', help: 'Log each step, and show causes and stacks of failures' }),
};

/** What the server runs with. URLs have no trailing slash. */
export interface ServerConfig extends DpopConfig, OperationConfig, ScopeConfig, WebhookConfig {
  /** Where this server reaches FusionAuth. */
  readonly fusionAuthUrl: string;
  /** The tenant's issuer: `iss` of every token, and the authorization server that the metadata names, letter by letter. */
  readonly issuer: string;
  /** The public URL, which may have a path. Its port 0 stands for the port that the system chooses. */
  readonly mcpServerUrl: string;
  /** The address to listen on. */
  readonly host: string;
  /** The port to listen on; 0 lets the system choose. */
  readonly port: number;
  /** False: no token is asked for. Loopback only. */
  readonly authentication: boolean;
  /** Who verifies tokens. */
  readonly validation: Validation;
  /** Seconds by which FusionAuth's clock and this one may differ. */
  readonly clockTolerance: number;
  /** Seconds for which a good token is not verified again, at most. */
  readonly tokenCache: number;
}

/**
 * Reads the configuration from flags and environment.
 *
 * @throws UsageError for an unknown flag or a value that cannot be read
 * @throws ServerError for values that do not go together (`issuer-not-a-url`, `server-url-with-path`,
 *   `unprotected-on-network`, `webhooks-without-use`)
 */
export function loadConfig(argv: readonly string[], env: Environment): ServerConfig {
  return configOf(readCommandLine(argv, env).values);
}

/** The command line before it is checked as a whole, so that `--help` can win over mistakes. */
export function readCommandLine(argv: readonly string[], env: Environment): CommandLine<typeof optionTable> {
  const line = parseCommandLine(optionTable, { program, argv, env });
  const [surplus] = line.positionals;
  if (surplus !== undefined && !line.help && !line.version) throw errors.unexpectedArgument(surplus);
  return line;
}

/** The checked configuration of parsed options. */
export function configOf(values: OptionValues<typeof optionTable>): ServerConfig {
  const config: ServerConfig = Object.freeze({
    ...operationOf(values),
    ...scopesOf(values),
    ...webhookConfigOf(values),
    ...dpopConfigOf(values),
    fusionAuthUrl: values.fusionAuthUrl,
    issuer: values.issuer ?? values.fusionAuthExternalUrl ?? values.fusionAuthUrl,
    mcpServerUrl: values.mcpServerUrl ?? `http://localhost:${values.port}`,
    host: values.host,
    port: values.port,
    authentication: values.authentication === 'on',
    validation: values.validation,
    clockTolerance: values.clockTolerance,
    tokenCache: values.tokenCache,
  });
  if (config.webhookSecret !== undefined && config.webhookPath === undefined)
    throw errors.secretWithoutPath();
  if (!config.authentication) {
    if (config.webhookPath !== undefined) throw errors.webhooksWithoutTokens();
    // A public URL means a reverse proxy in front, which makes a loopback port public.
    for (const url of [urlOfHost(config.host), new URL(config.mcpServerUrl)]) {
      if (url === undefined || !isLoopback(url))
        throw errors.unprotectedOnNetwork(url?.hostname ?? config.host);
    }
  }
  return config;
}

/** The protected resource's identifier (RFC 8707), which tokens carry in `aud`. */
export function resourceOf(config: ServerConfig): string {
  return `${config.mcpServerUrl}/mcp`;
}

/** Minutes would keep tokens alive that have expired. */
function clockTolerance(raw: string): number {
  if (!/^\d{1,3}$/u.test(raw) || Number(raw) > 300)
    throw new InvalidValue('it is a number of seconds from 0 to 300');
  return Number(raw);
}

function tokenCache(raw: string): number {
  if (!/^\d{1,5}$/u.test(raw) || Number(raw) > 86_400)
    throw new InvalidValue('it is a number of seconds from 0 to 86400');
  return Number(raw);
}

function baseUrl(raw: string): string {
  const url = httpUrl(raw);
  return `${url.origin}${url.pathname.replace(/\/+$/u, '')}`;
}

/** An issuer is compared letter by letter (RFC 8414, section 3.3), so it stays as it was written. */
export function issuerUrl(raw: string): string {
  if (!/^https?:\/\//iu.test(raw)) throw errors.issuerNotUrl(raw);
  httpUrl(raw);
  return raw;
}

/** With a path where a reverse proxy gives the server only a part of a host. */
function publicUrl(raw: string): string {
  const { search } = httpUrl(raw);
  const url = baseUrl(raw);
  if (search !== '' || url.endsWith('/mcp')) throw errors.serverUrlWithPath(raw, url.replace(/\/mcp$/u, ''));
  return url;
}
