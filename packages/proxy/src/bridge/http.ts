import { AsyncLocalStorage } from 'node:async_hooks';
import {
  extractWWWAuthenticateParams,
  StreamableHTTPClientTransport,
  type JSONRPCMessage,
  type StreamableHTTPClientTransportOptions,
} from '@modelcontextprotocol/client';

/** What a 401 or a 403 asks for (RFC 6750, section 3). */
export interface TokenChallenge {
  readonly resourceMetadataUrl?: URL | undefined;
  readonly scope?: string | undefined;
}

/** How often one request may lead to a sign-in for further scopes. */
const mostStepUps = 2;

/** The bearer token as the bridge sees it: who provides it and how is not its business. */
export interface TokenProvider {
  /** The token for the next request; undefined sends the request without one. */
  token(): Promise<string | undefined>;
  /** Called on a 401; afterwards the request is sent once more. `rejected` is the token that the request carried. */
  onUnauthorized(rejected: string | undefined, challenge: TokenChallenge): Promise<void>;
  /** Called on a 403 that asks for more scopes than the request's token has; afterwards it is sent again. */
  onInsufficientScope(insufficient: string, challenge: TokenChallenge): Promise<void>;
  /** Called when the server took a request with this token. */
  onAccepted(accessToken: string): void;
}

/** The server's side, as the bridge uses it. */
export type ServerTransport = Pick<
  StreamableHTTPClientTransport,
  'start' | 'send' | 'close' | 'onclose' | 'onmessage' | 'onerror' | 'setProtocolVersion' | 'terminateSession'
>;

/** What a transport to the server is made of. */
export interface HttpOptions {
  readonly tokens: TokenProvider;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Default: the global fetch. */
  readonly fetch?: typeof fetch;
}

/** The server's side: Streamable HTTP with a bearer token on every request, never in the URL. */
export function createHttpTransport(server: URL, options: HttpOptions): StreamableHTTPClientTransport {
  return new ExactTransport(server, { ...clientOptions(options), onInsufficientScope: 'throw' });
}

/** What both transports send: the user's headers, the bearer token, and the request again after a 401 or a 403. */
export function clientOptions(options: HttpOptions): StreamableHTTPClientTransportOptions {
  const base = options.fetch ?? fetch;
  // Which token a response belongs to: by the time of a 401, others may have been obtained.
  const tokenOf = new WeakMap<Response, string>();
  return {
    requestInit: { headers: options.headers.map(([name, value]): [string, string] => [name, value]) },
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      for (let stepUps = 0; ; stepUps += 1) {
        const response = await base(url, { ...init, headers });
        const exchange = exchanges.getStore();
        if (exchange !== undefined) exchange.isStream = isStream(response);
        const token = headers.get('authorization')?.replace(/^Bearer /u, '');
        if (token === undefined) return response;
        if (response.status === 401) tokenOf.set(response, token);
        else options.tokens.onAccepted(token);
        const challenge = insufficientScope(response);
        if (challenge === undefined || stepUps === mostStepUps) return response;
        await response.body?.cancel();
        await options.tokens.onInsufficientScope(token, challenge);
        headers.set('authorization', `Bearer ${(await options.tokens.token()) ?? ''}`);
      }
    },
    authProvider: {
      token: () => options.tokens.token(),
      onUnauthorized: async ({ response }) => {
        await options.tokens.onUnauthorized(tokenOf.get(response), extractWWWAuthenticateParams(response));
      },
    },
  };
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

function insufficientScope(response: Response): TokenChallenge | undefined {
  if (response.status !== 403) return undefined;
  const { error, ...challenge } = extractWWWAuthenticateParams(response);
  return error === 'insufficient_scope' ? challenge : undefined;
}
