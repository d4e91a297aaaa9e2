import { port, switchOption, valueOption } from '@mcp-keyhole/cli-kit';
import {
  parseApiKey,
  parseBaseUrl,
  parseFile,
  parseMcpServerUrl,
  parseName,
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

/** What every command has. */
export const outputOptions = {
  json: switchOption({ flag: 'json', help: 'Print the result as one JSON object on stdout' }),
  debug: switchOption({ flag: 'debug', help: 'Show what caused a failure' }),
} as const;
