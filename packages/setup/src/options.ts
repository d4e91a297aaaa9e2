import { choice, listOption, port, switchOption, valueOption, type OptionValues } from '@mcp-keyhole/cli-kit';
import { redirectUrls, resourceOf, toolScopes } from './clients/client.ts';
import { connectorNamed, connectors, type Connector } from './clients/connectors.ts';
import {
  parseApiKey,
  parseBaseUrl,
  parseFile,
  parseMcpServerUrl,
  parseName,
  parseRedirectUrl,
  parseResource,
  parseScopeName,
  parseUuid,
} from './option-values.ts';

/** How FusionAuth is reached. */
export const connectionOptions = {
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
    help: "FusionAuth's API key; asked for on a terminal; on this machine the demo key of the kickstart by default",
    parse: parseApiKey,
    fallback: undefined,
  }),
  tenantId: valueOption({
    flag: 'tenant-id',
    placeholder: 'ID',
    help: 'The FusionAuth tenant; needed when there are several',
    parse: parseUuid,
    fallback: undefined,
  }),
} as const;

/** Where others than this program reach FusionAuth. */
export const publicUrlOption = {
  publicUrl: valueOption({
    flag: 'public-url',
    env: 'FUSIONAUTH_EXTERNAL_URL',
    placeholder: 'URL',
    help: 'Where browsers and clients reach FusionAuth, which its issuer has to be [--fusionauth-url]',
    parse: parseBaseUrl,
    fallback: undefined,
  }),
} as const;

/** What a client is, and how its host starts the proxy. */
export const clientOptions = {
  name: valueOption({
    flag: 'name',
    placeholder: 'NAME',
    help: 'What the client is called in FusionAuth and on its consent page; asked for on a terminal',
    parse: parseName,
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
  proxyPath: valueOption({
    flag: 'proxy-path',
    placeholder: 'FILE',
    help: 'Print a configuration that runs this file with node (a clone), not npx mcp-keyhole',
    parse: parseFile,
    fallback: undefined,
  }),
} as const;

/** What a client is beyond the usual one, which starts the proxy on the user's machine. */
export const kindOptions = {
  connector: valueOption({
    flag: 'for',
    placeholder: 'HOST',
    help: `A host that signs in by itself: ${connectors.map(({ id }) => id).join(', ')}; with its redirect URLs, and a secret where it keeps one`,
    parse: choice(connectors.map(({ id }) => id)),
    fallback: undefined,
  }),
  redirectUrls: listOption({
    flag: 'redirect-url',
    placeholder: 'URL',
    help: "Where a sign-in may come back to [the proxy's, or those of --for]",
    parse: parseRedirectUrl,
  }),
  resources: listOption({
    flag: 'resource',
    placeholder: 'URL',
    help: 'What its tokens may be for [--mcp-server-url and /mcp]',
    parse: parseResource,
  }),
  scopes: listOption({
    flag: 'oauth-scope',
    placeholder: 'SCOPE',
    help: 'A scope of its own beside those of OpenID Connect [those of the tools: get_name, set_greeting, countdown]',
    parse: parseScopeName,
  }),
  confidential: switchOption({
    flag: 'confidential',
    help: 'It keeps a client secret, which is shown once: for a host that runs on a server',
  }),
} as const;

/** Also what this tool has not made. */
export const foreignOption = switchOption({
  flag: 'foreign',
  help: 'Also an application that this tool did not make',
});

export const yesOption = switchOption({ flag: 'yes', help: 'Do not ask' });

/** The scopes that `--oauth-scope` names, each once; those of our server's tools when it names none. */
export function scopeNames(named: readonly string[]): readonly string[] {
  return named.length === 0 ? toolScopes.map(({ name }) => name) : [...new Set(named)];
}

/** What the options say that a client is. */
export function kindOf(
  values: OptionValues<typeof kindOptions> & { readonly mcpServerUrl: string; readonly callbackPort: number },
): {
  connector: Connector | undefined;
  redirectUrls: readonly string[];
  resources: readonly string[];
  scopes: readonly string[];
  confidential: boolean;
} {
  const connector = connectorNamed(values.connector);
  const own = [...(connector?.redirectUrls ?? []), ...values.redirectUrls];
  return {
    connector,
    redirectUrls: own.length === 0 ? redirectUrls(values.callbackPort) : [...new Set(own)],
    resources: values.resources.length === 0 ? [resourceOf(values.mcpServerUrl)] : values.resources,
    scopes: scopeNames(values.scopes),
    confidential: values.confidential || connector?.confidential === true,
  };
}

/** What every command has. */
export const outputOptions = {
  json: switchOption({ flag: 'json', help: 'Print the result as one JSON object on stdout' }),
  debug: switchOption({ flag: 'debug', help: 'Show what caused a failure' }),
} as const;
