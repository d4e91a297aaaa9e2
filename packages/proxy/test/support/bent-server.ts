import type { ServerResponse } from 'node:http';
import { bridgedHost, type BridgedHost, type Message } from './bridged-host.ts';
import { loopbackServer, sendJson, type LoopbackServer, type ReceivedRequest } from './loopback-server.ts';

export interface Exchange {
  readonly message: Message;
  readonly response: ServerResponse;
  readonly request: ReceivedRequest;
}

/** An MCP server whose answers to requests a test decides; `echo` is always answered correctly. */
export async function bentServer(
  answer: (exchange: Exchange) => void,
  era: 'legacy' | 'modern' = 'legacy',
): Promise<{ host: BridgedHost; http: LoopbackServer }> {
  const http = await loopbackServer((request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(request.method === 'DELETE' ? 204 : 405).end();
      return;
    }
    const message = JSON.parse(request.body) as Message;
    if (message.method === 'echo') sendJson(response, 200, result(message.id, message.params));
    else if (message.method === undefined || message.id === undefined) response.writeHead(202).end();
    else answer({ message, response, request });
  });
  return { host: bridgedHost(new URL('/mcp', http.url), { era }), http };
}

export const result = (id: Message['id'], value: Record<string, unknown> = {}): Message => ({
  jsonrpc: '2.0',
  id: id ?? null,
  result: value,
});
export const notification = (name: string): Message => ({ jsonrpc: '2.0', method: `notifications/${name}` });
export const event = (message: Message): string => `event: message\ndata: ${JSON.stringify(message)}\n\n`;
export const stream = (response: ServerResponse, ...messages: Message[]): ServerResponse => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const message of messages) response.write(event(message));
  return response;
};
