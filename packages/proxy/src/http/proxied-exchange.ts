import type * as Undici from 'undici';
import { unlessAborted } from '../deadline.ts';
import { loadUndici, type NetworkSettings } from '../network.ts';
import { Clock } from './clock.ts';
import type { Exchange } from './exchange.ts';
import { failureFrom } from './failures.ts';

/** Exchanges through the proxies of the environment, where NO_PROXY does not say otherwise. */
export async function createProxiedExchange(
  settings: NetworkSettings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Exchange> {
  const { undici, dispatcher } = await loadUndici(settings, env);
  const noticing = noticingStart(undici);
  return async ({ url, method, body, signal, ...request }) => {
    signal.throwIfAborted();
    let isSent = false;
    const end = new AbortController();
    const onAbort = (): void => {
      end.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort);
    const clock = new Clock(settings, (error) => {
      end.abort(error);
    });
    clock.connecting();
    const onStart = (): void => {
      isSent = true;
      clock.connected();
    };
    try {
      const answer = undici.request(url, {
        dispatcher: dispatcher.compose(noticing(onStart)),
        method,
        headers: request.headers,
        signal: end.signal,
        ...(body === undefined ? {} : { body }),
      });
      // Undici looks at its signal when there is a connection, and then sends nothing.
      const response = await unlessAborted(answer, end.signal);
      response.body.once('close', () => {
        signal.removeEventListener('abort', onAbort);
      });
      // One cookie is a string here, and several are a list.
      const cookies = [response.headers['set-cookie'] ?? []].flat();
      const headers = { ...response.headers, 'set-cookie': cookies };
      return { status: response.statusCode, headers, body: response.body };
    } catch (error) {
      signal.removeEventListener('abort', onAbort);
      if (signal.aborted) throw signal.reason;
      throw failureFrom(error, isSent);
    } finally {
      clock.stop();
    }
  };
}

/** Tells when a request is about to be written to a connection: an error before that is of a request that was not sent. */
function noticingStart(
  undici: typeof Undici,
): (onStart: () => void) => Undici.Dispatcher.DispatcherComposeInterceptor {
  type Handler = Undici.Dispatcher.DispatchHandler;
  type Start = Parameters<NonNullable<Handler['onRequestStart']>>;
  // Its methods are missing in the type declarations.
  const Decorator = undici.DecoratorHandler as unknown as new (handler: Handler) => Handler & {
    onRequestStart(...start: Start): void;
  };
  return (onStart) => (dispatch) => (options, handler) => {
    class Noticing extends Decorator {
      override onRequestStart(...start: Start): void {
        onStart();
        super.onRequestStart(...start);
      }
    }
    return dispatch(options, new Noticing(handler));
  };
}
