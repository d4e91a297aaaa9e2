/** How the network is reached, as far as the user decides it. */
export interface NetworkSettings {
  /** Milliseconds, as the other times; absent leaves Node's own (10 s, 300 s, 300 s). */
  readonly connectTimeout: number | undefined;
  readonly headersTimeout: number | undefined;
  readonly bodyTimeout: number | undefined;
  readonly ipv4: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];
/** This machine is never reached through a proxy. */
const never = ['localhost', '127.0.0.1', '[::1]'];

/**
 * A fetch that keeps to these settings and to HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Where there is nothing to keep to it is
 * the global one; else its library is loaded at the first request.
 */
export function createFetch(settings: NetworkSettings, env: Environment): typeof fetch {
  const { connectTimeout, headersTimeout, bodyTimeout, ipv4 } = settings;
  const proxied = proxyVariables.some((name) => env[name] !== undefined && env[name] !== '');
  if (
    !proxied &&
    !ipv4 &&
    [connectTimeout, headersTimeout, bodyTimeout].every((time) => time === undefined)
  ) {
    return fetch;
  }
  let loaded: Promise<typeof fetch> | undefined;
  const load = async (): Promise<typeof fetch> => {
    const { EnvHttpProxyAgent, fetch: undiciFetch } = await import('undici');
    const dispatcher = new EnvHttpProxyAgent({
      ...proxy('httpProxy', env['http_proxy'] ?? env['HTTP_PROXY']),
      ...proxy('httpsProxy', env['https_proxy'] ?? env['HTTPS_PROXY']),
      noProxy: [env['no_proxy'] ?? env['NO_PROXY'] ?? '', ...never].filter((host) => host !== '').join(','),
      ...(headersTimeout === undefined ? {} : { headersTimeout }),
      ...(bodyTimeout === undefined ? {} : { bodyTimeout }),
      connect: {
        ...(connectTimeout === undefined ? {} : { timeout: connectTimeout }),
        ...(ipv4 ? { family: 4 } : {}),
      },
    });
    // The same interface; only the type declarations are of two origins.
    type Own = typeof undiciFetch;
    return (async (input: Parameters<Own>[0], init?: Parameters<Own>[1]) =>
      undiciFetch(input, { ...init, dispatcher })) as unknown as typeof fetch;
  };
  return async (input, init) => {
    loaded ??= load();
    return (await loaded)(input, init);
  };
}

function proxy(name: 'httpProxy' | 'httpsProxy', address: string | undefined): Record<string, string> {
  return address === undefined || address === '' ? {} : { [name]: address };
}
