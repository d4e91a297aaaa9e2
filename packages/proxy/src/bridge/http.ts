import { AsyncLocalStorage } from 'node:async_hooks';
import {
  extractWWWAuthenticateParams,
  StreamableHTTPClientTransport,
  type JSONRPCMessage,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/client';

/** The bearer token as the bridge sees it: who provides it and how is not its business. */
export interface TokenProvider {
  /** The token for the next request; undefined sends the request without one. */
  token(): Promise<string | undefined>;
  /** Called on a 401; afterwards the request is sent once more. `rejected` is the token that the request carried. */
  onUnauthorized(
    rejected: string | undefined,
    challenge: { resourceMetadataUrl?: URL | undefined; scope?: string | undefined },
  ): Promise<void>;
  /** Called when the server took a request with this token. */
  onAccepted(accessToken: string): void;
}

/** The server's side: Streamable HTTP with a bearer token on every request, never in the URL. */
export function createHttpTransport(
  server: URL,
  options: {
    tokens: TokenProvider;
    headers: readonly (readonly [name: string, value: string])[];
    fetch?: typeof fetch;
  },
): StreamableHTTPClientTransport {
  const base = options.fetch ?? fetch;
  // Which token a response belongs to: by the time of a 401, others may have been obtained.
  const tokenOf = new WeakMap<Response, string>();
  const transportOptions: StreamableHTTPClientTransportOptions = {
    requestInit: { headers: options.headers.map(([name, value]): [string, string] => [name, value]) },
    onInsufficientScope: 'throw',
    fetch: async (url, init) => {
      const response = await base(url, init);
      const exchange = exchanges.getStore();
      if (exchange !== undefined) exchange.isStream = isStream(response);
      const token = new Headers(init?.headers).get('authorization')?.replace(/^Bearer /u, '');
      if (token === undefined) return response;
      if (response.status === 401) tokenOf.set(response, token);
      else options.tokens.onAccepted(token);
      return response;
    },
    authProvider: {
      token: () => options.tokens.token(),
      onUnauthorized: async ({ response }) => {
        await options.tokens.onUnauthorized(tokenOf.get(response), extractWWWAuthenticateParams(response));
      },
    },
  };
  return new ExactTransport(server, transportOptions);
}

type SendOptions = Parameters<StreamableHTTPClientTransport['send']>[1];

const exchanges = new AsyncLocalStorage<{ isStream: boolean }>();

/**
 * The SDK reports the end of a stream, but not an exchange that ends without answer and without stream: 202 for a
 * request, or JSON with the answers to others. Here `onRequestStreamEnd` is called at the end of those too.
 */
class ExactTransport extends StreamableHTTPClientTransport {
  override async send(message: JSONRPCMessage, options?: SendOptions): Promise<void> {
    const exchange = { isStream: false };
    await exchanges.run(exchange, () => super.send(message, options));
    if (!exchange.isStream) options?.onRequestStreamEnd?.();
  }
}

/** Whether the SDK reads this response as a stream. */
function isStream({ ok, status, headers }: Response): boolean {
  return ok && status !== 202 && /^text\/event-stream\s*(?:;|$)/iu.test(headers.get('content-type') ?? '');
}
