import { loadUndici, type NetworkSettings } from '../network.ts';
import type { Exchange } from './exchange.ts';
import { ConnectionLost, NotSent, reasonOf } from './failures.ts';

/** What undici says of a connection that was there. */
const afterConnect = new Set<unknown>([
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RESPONSE',
  'ECONNRESET',
  'EPIPE',
]);

/** Exchanges through the proxies of the environment, where NO_PROXY does not say otherwise. */
export async function createProxiedExchange(
  settings: NetworkSettings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Exchange> {
  const { undici, dispatcher } = await loadUndici(settings, env);
  return async ({ url, method, headers, body, signal }) => {
    try {
      const response = await undici.request(url, {
        dispatcher,
        method,
        headers,
        signal,
        ...(body === undefined ? {} : { body }),
      });
      return { status: response.statusCode, headers: response.headers, body: response.body };
    } catch (error) {
      signal.throwIfAborted();
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      const Failure = afterConnect.has(code) ? ConnectionLost : NotSent;
      throw new Failure(reasonOf(error), { cause: error });
    }
  };
}
