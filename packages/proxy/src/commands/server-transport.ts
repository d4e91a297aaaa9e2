import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { Message, type RequestId } from '../bridge/message.ts';
import { HostCancelled, type OnMessage, type ServerSide } from '../bridge/server-side.ts';

/** The server as a transport of the SDK, for the commands that are MCP clients themselves. */
export class ServerTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #side: ServerSide;
  readonly #exchanges = new Map<RequestId, AbortController>();

  constructor(open: (onMessage: OnMessage) => ServerSide) {
    this.#side = open((message) => {
      this.#take(message);
    });
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Resolves when a request has been answered. @throws ProxyError */
  async send(json: JSONRPCMessage): Promise<void> {
    const message = Message.of({ ...json });
    if (message.kind !== 'request' || message.id === undefined) {
      const { requestId } = message.params as { requestId?: RequestId };
      const exchange = requestId === undefined ? undefined : this.#exchanges.get(requestId);
      if (message.method !== 'notifications/cancelled') return this.#side.notify(message);
      exchange?.abort(new HostCancelled(message));
      return;
    }
    const exchange = new AbortController();
    this.#exchanges.set(message.id, exchange);
    try {
      const onMessage: OnMessage = (fromServer) => {
        this.#take(fromServer);
      };
      this.#take(await this.#side.request(message, { signal: exchange.signal, onMessage }));
    } finally {
      this.#exchanges.delete(message.id);
    }
  }

  async close(): Promise<void> {
    await this.#side.close();
    this.onclose?.();
  }

  #take(message: Message): void {
    this.onmessage?.(message.json as unknown as JSONRPCMessage);
  }
}
