import {
  createExchange,
  type Exchange,
  type HttpRequest,
  type HttpResponse,
} from '../../src/http/exchange.ts';
import type { NetworkSettings } from '../../src/network.ts';
import { forwardProxy, type ForwardProxy } from './forward-proxy.ts';
import { networkSettings } from './network-settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A way to a server on this machine: both have to behave alike. */
export interface Way {
  readonly name: string;
  /** The server's name on this way. */
  readonly host: string;
  /** Exchanges with these settings besides the usual ones. */
  readonly open: (settings?: Partial<NetworkSettings>, env?: Environment) => Promise<Exchange>;
}

export const direct: Way = {
  name: 'directly',
  host: '127.0.0.1',
  open: (settings = {}, env = {}) =>
    Promise.resolve(createExchange({ ...networkSettings, ...settings }, env)),
};

export const proxied: Way = {
  name: 'through a proxy',
  host: 'mcp.example.test',
  open: async (settings = {}, env = {}) => exchangeThrough(await forwardProxy(), settings, env),
};

export const ways: readonly Way[] = [direct, proxied];

export function exchangeThrough(
  { url }: Pick<ForwardProxy, 'url'>,
  settings: Partial<NetworkSettings> = {},
  env: Environment = {},
): Exchange {
  return createExchange({ ...networkSettings, ...settings }, { HTTP_PROXY: url, HTTPS_PROXY: url, ...env });
}

/** A request to be sent: a POST with a small body unless a test says otherwise. */
export function requestTo(url: string, changes: Partial<HttpRequest> = {}): HttpRequest {
  const { signal } = new AbortController();
  return { url: new URL(url), method: 'POST', headers: {}, body: Buffer.from('{}'), signal, ...changes };
}

/** The body of a response as text. */
export async function textOf({ body }: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
