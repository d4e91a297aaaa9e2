import {
  httpUrl,
  InvalidValue,
  isLoopback,
  port,
  UsageError,
  valueOption,
  type OptionValues,
} from '@mcp-keyhole/cli-kit';
import {
  clientOptions,
  connectionOptions,
  kindOptions,
  outputOptions,
  publicUrlOption,
  scopeNames,
} from '../options.ts';

/** The options of `portal`: this table drives parsing, types and `--help`. */
export const options = {
  ...connectionOptions,
  ...publicUrlOption,
  mcpServerUrl: clientOptions.mcpServerUrl,
  listen: valueOption({
    flag: 'listen',
    placeholder: '[HOST:]PORT',
    help: 'Where the portal listens; beyond this machine only with an https --portal-url [127.0.0.1:7070]',
    parse: parseListen,
    fallback: { host: '127.0.0.1', port: 7070 },
  }),
  portalUrl: valueOption({
    flag: 'portal-url',
    env: 'MCP_KEYHOLE_PORTAL_URL',
    placeholder: 'URL',
    help: 'Where browsers reach the portal, when a reverse proxy with TLS stands before it [as --listen says]',
    parse: parseOrigin,
    fallback: undefined,
  }),
  maxClients: valueOption({
    flag: 'max-clients',
    placeholder: 'N',
    help: 'How many clients one user may have [20]',
    parse: parseCount,
    fallback: 20,
  }),
  scopes: {
    ...kindOptions.scopes,
    help: 'A scope that each client gets beside those of OpenID Connect; repeatable [those of the tools: get_name, set_greeting, countdown]',
  },
  debug: outputOptions.debug,
} as const;

/** What a portal is told. URLs are without a slash at their end. */
export interface PortalConfig {
  /** The portal's origin, as browsers have it. */
  readonly portalUrl: string;
  /** Where the portal reaches FusionAuth. */
  readonly fusionAuthUrl: string;
  /** Where browsers reach FusionAuth. */
  readonly publicUrl: string;
  /** The MCP server, without /mcp. */
  readonly mcpServerUrl: string;
  /** The FusionAuth tenant; undefined where there is one. */
  readonly tenantId: string | undefined;
  /** How many clients one user may have. */
  readonly maxClients: number;
  /** Names of the scopes that each client gets beside those of OpenID Connect. */
  readonly scopes: readonly string[];
}

/** What the command is told besides. */
export type PortalCommandConfig = PortalConfig & {
  readonly listen: { readonly host: string; readonly port: number };
  readonly apiKey: string | undefined;
  readonly debug: boolean;
};

/** The config of a command line. @throws UsageError */
export function configOf(values: OptionValues<typeof options>): PortalCommandConfig {
  const { host, port: number } = values.listen;
  const listening = new URL(`http://${host}:${String(number)}`);
  const portalUrl = values.portalUrl ?? listening.origin;
  const { protocol } = new URL(portalUrl);
  if (protocol === 'http:' && !isLoopback(new URL(portalUrl))) {
    throw new UsageError(
      values.portalUrl === undefined
        ? `On ${host} other machines reach the portal, and without TLS everybody between could read along.`
        : `Browsers would reach the portal at ${portalUrl} without TLS.`,
      'Put a reverse proxy with TLS before it, and give its address: --portal-url https://clients.example.com. Or leave both out: it then listens on this machine only.',
    );
  }
  if (protocol === 'http:' && !isLoopback(listening)) {
    throw new UsageError(
      `With --listen ${host} other machines reach the portal, and --portal-url ${portalUrl} is not for them.`,
      'Give the https address of the reverse proxy before it, or leave --listen out.',
    );
  }
  const publicUrl = values.publicUrl ?? values.fusionAuthUrl;
  return { ...values, portalUrl, publicUrl, scopes: scopeNames(values.scopes) };
}

function parseListen(raw: string): { host: string; port: number } {
  const { host = '127.0.0.1', port: digits = '' } =
    /^(?:(?<host>\[[\da-f:.]+\]|[\w.-]+):)?(?<port>\d+)$/iu.exec(raw)?.groups ?? {};
  if (digits === '' || !URL.canParse(`http://${host}`)) {
    throw new InvalidValue('it is a port, or host and port such as 127.0.0.1:7070 or [::1]:7070');
  }
  return { host: host.toLowerCase(), port: port(digits) };
}

function parseOrigin(raw: string): string {
  const { origin, href } = httpUrl(raw);
  // Its cookies are for the whole host (`__Host-`), which it therefore has to have to itself.
  if (href !== `${origin}/`) throw new InvalidValue('the portal has a host of its own: no path, no query');
  return origin;
}

function parseCount(raw: string): number {
  const count = /^\d{1,4}$/u.test(raw) ? Number(raw) : 0;
  if (count === 0) throw new InvalidValue('it is a whole number from 1 to 9999');
  return count;
}
