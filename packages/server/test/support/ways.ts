import { bearer } from './protected-server.ts';
import { eventsOf, SessionClient } from './session-client.ts';

/** Sends a request with a token, and gives the response as it is. */
export type Sender = (method: string, params?: object, signal?: AbortSignal) => Promise<Response>;

const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

async function post(
  endpoint: string,
  more: Record<string, string>,
  body: { method: string; params: object },
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(endpoint, {
    method: 'POST',
    headers: { ...headers, ...more },
    body: JSON.stringify({
      jsonrpc: '2.0',
      ...(!body.method.startsWith('notifications/') && { id: 1 }),
      ...body,
    }),
    ...(signal !== undefined && { signal }),
  });
}

/** The ways in which a client may send its requests: the modern era, the legacy one, and the latter with a session. */
export const ways = {
  modern: (endpoint: string, token: string): Promise<Sender> =>
    Promise.resolve(async (method, params = {}, signal) => {
      const { name, _meta } = params as { name?: string; _meta?: object };
      return post(
        endpoint,
        {
          ...bearer(token),
          'Mcp-Protocol-Version': '2026-07-28',
          'Mcp-Method': method,
          ...(name !== undefined && { 'Mcp-Name': name }),
        },
        {
          method,
          params: {
            ...params,
            _meta: {
              ..._meta,
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        },
        signal,
      );
    }),
  'stateless legacy': (endpoint: string, token: string): Promise<Sender> =>
    Promise.resolve(async (method, params = {}, signal) =>
      post(endpoint, bearer(token), { method, params }, signal),
    ),
  'legacy session': async (endpoint: string, token: string): Promise<Sender> => {
    const client = new SessionClient({ token });
    const begun = await client.begin(endpoint);
    if (client.sessionId === '') throw new Error(`no session was begun: ${begun.status}`);
    return async (method, params = {}, signal) =>
      post(endpoint, client.headers(), { method, params }, signal);
  },
};

/** The messages of an answer, which is one JSON text or a stream. */
export async function messagesOf(response: Response): Promise<Record<string, unknown>[]> {
  if (response.headers.get('content-type')?.includes('application/json') === true) {
    return [(await response.json()) as Record<string, unknown>];
  }
  const messages = [];
  for await (const { message } of eventsOf(response)) if (message !== undefined) messages.push(message);
  return messages;
}

/** The result in the last message of an answer. */
export async function resultOf(response: Response): Promise<Record<string, unknown>> {
  const message = (await messagesOf(response)).at(-1);
  return (message?.['result'] ?? message) as Record<string, unknown>;
}
