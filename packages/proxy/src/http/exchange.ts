import type { Signal } from '../cancellation.ts';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { isProxied, type NetworkSettings } from '../network.ts';
import { withCookies } from './cookies.ts';
import { createDirectExchange } from './direct-exchange.ts';

/** A request as it goes over the wire. */
export interface HttpRequest {
  readonly url: URL;
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  /** Ends the exchange at any time, its body included. */
  readonly signal: Signal;
}

/** The head of a response, and its body as it comes. */
export interface HttpResponse {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Fails when it ends early or pauses for longer than the body timeout, also before anybody reads it. */
  readonly body: Readable;
}

/** A header's value as one string. */
export function headerOf(response: HttpResponse, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/**
 * One HTTP exchange, as far as the head of the response.
 *
 * @throws NotSent, ConnectionLost (`failures.ts`); the signal's reason
 */
export type Exchange = (request: HttpRequest) => Promise<HttpResponse>;

/**
 * Exchanges that keep to the settings: by Node's own client, which is there at once, or through the proxies that the
 * environment names, by a library that is loaded then. Bodies are asked for as they are: what is written to a pipe on the
 * same machine need not have been compressed, and events come when they are sent.
 */
export function createExchange(
  settings: NetworkSettings,
  env: Readonly<Record<string, string | undefined>>,
): Exchange {
  const bare = isProxied(env) ? throughProxy(settings, env) : createDirectExchange(settings, env);
  const exchange: Exchange = async (request) => {
    const response = await bare(request);
    // A body that is cut before anybody reads it keeps its error for who does.
    response.body.on('error', () => undefined);
    return response;
  };
  return settings.disableCookies ? exchange : withCookies(exchange);
}

function throughProxy(
  settings: NetworkSettings,
  env: Readonly<Record<string, string | undefined>>,
): Exchange {
  let loaded: Promise<Exchange> | undefined;
  return async (request) => {
    loaded ??= import('./proxied-exchange.ts').then(({ createProxiedExchange }) =>
      createProxiedExchange(settings, env),
    );
    return (await loaded)(request);
  };
}
