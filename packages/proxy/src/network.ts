import { readFileSync } from 'node:fs';
import type * as Undici from 'undici';

/** How the network is reached, as far as the user decides it. */
export interface NetworkSettings {
  /** Milliseconds, as the other times; absent means 10 s, 300 s, 300 s. */
  readonly connectTimeout: number | undefined;
  readonly headersTimeout: number | undefined;
  readonly bodyTimeout: number | undefined;
  readonly ipv4: boolean;
  /** Certificates of authorities that are trusted besides Node's own; PEM. */
  readonly caFile: string | undefined;
  /** The client's certificate and its private key; PEM. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly disableCookies: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What a TLS connection is made with besides Node's own settings. */
export interface TlsOptions {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
}

const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];
/** This machine is never reached through a proxy. */
const never = ['localhost', '127.0.0.1', '[::1]'];

/** Whether the environment names a proxy. */
export function isProxied(env: Environment): boolean {
  return proxyVariables.some((name) => env[name] !== undefined && env[name] !== '');
}

/**
 * The certificates of `--ca-file`, `--cert` and `--key`. An authority that is given comes in addition to Node's own and
 * to those of NODE_EXTRA_CA_CERTS, which Node would leave out otherwise.
 */
export async function tlsOptions(settings: NetworkSettings, env: Environment): Promise<TlsOptions> {
  const { caFile, cert, key } = settings;
  const passphrase = env['MCP_KEYHOLE_KEY_PASSPHRASE'];
  return {
    ...(caFile === undefined
      ? {}
      : {
          ca: [
            ...(await import('node:tls')).rootCertificates,
            ...extraAuthorities(env['NODE_EXTRA_CA_CERTS']),
            caFile,
          ],
        }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key, ...(passphrase === undefined ? {} : { passphrase }) }),
  };
}

function extraAuthorities(file: string | undefined): string[] {
  if (file === undefined || file === '') return [];
  try {
    return [readFileSync(file, 'utf8')];
  } catch {
    // Node goes on without it too, and has said so at its start.
    return [];
  }
}

/** Undici with a dispatcher that keeps to the settings and to HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
export async function loadUndici(
  settings: NetworkSettings,
  env: Environment,
): Promise<{ readonly undici: typeof Undici; readonly dispatcher: Undici.Dispatcher }> {
  const { connectTimeout, headersTimeout, bodyTimeout, ipv4 } = settings;
  // In the bundle a CommonJS module has nothing but its default.
  const { default: undici } = (await import('undici')) as unknown as { default: typeof Undici };
  const tls = await tlsOptions(settings, env);
  const timeout = connectTimeout === undefined ? {} : { timeout: connectTimeout };
  const connection = { ...timeout, ...(ipv4 ? { family: 4 } : {}) };
  const dispatcher = new undici.EnvHttpProxyAgent({
    ...proxy('httpProxy', env['http_proxy'] ?? env['HTTP_PROXY']),
    ...proxy('httpsProxy', env['https_proxy'] ?? env['HTTPS_PROXY']),
    noProxy: [env['no_proxy'] ?? env['NO_PROXY'] ?? '', ...never].filter((host) => host !== '').join(','),
    ...(headersTimeout === undefined ? {} : { headersTimeout }),
    ...(bodyTimeout === undefined ? {} : { bodyTimeout }),
    connect: { ...tls, ...connection },
    requestTls: { ...tls, ...timeout },
    // The client's certificate is for the server, not for the proxy.
    proxyTls: { ...(tls.ca === undefined ? {} : { ca: tls.ca }), ...connection },
  });
  return { undici, dispatcher };
}

/** A fetch that keeps to these settings. Where there is nothing to keep to it is the global one. */
export function createFetch(settings: NetworkSettings, env: Environment): typeof fetch {
  const { connectTimeout, headersTimeout, bodyTimeout, ipv4, caFile, cert, key } = settings;
  const given = [connectTimeout, headersTimeout, bodyTimeout, caFile, cert, key];
  if (!isProxied(env) && !ipv4 && given.every((setting) => setting === undefined)) return fetch;
  let loaded: ReturnType<typeof loadUndici> | undefined;
  return async (input, init) => {
    loaded ??= loadUndici(settings, env);
    const { undici, dispatcher } = await loaded;
    // The same interface; only the type declarations are of two origins.
    type Own = typeof undici.fetch;
    const own = undici.fetch as unknown as (
      input: Parameters<Own>[0],
      init: Parameters<Own>[1],
    ) => Promise<unknown>;
    return (await own(
      input as Parameters<Own>[0],
      { ...init, dispatcher } as Parameters<Own>[1],
    )) as Response;
  };
}

function proxy(name: 'httpProxy' | 'httpsProxy', address: string | undefined): Record<string, string> {
  return address === undefined || address === '' ? {} : { [name]: address };
}
