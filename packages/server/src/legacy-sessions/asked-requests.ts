import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
} from '@modelcontextprotocol/server';

/** What a server asked its client: of which exchange, and its id there. */
export interface AskedId {
  readonly node: string;
  readonly exchange: string;
  readonly id: number;
}

/** Reads an id that {@link AskedRequests} gave; undefined for any other. */
export function askedId(id: unknown): AskedId | undefined {
  const [, exchange, node, number] = /^(([\w-]+)\.[\w-]+)\.(\d+)$/u.exec(String(id)) ?? [];
  if (exchange === undefined || node === undefined) return undefined;
  return { node, exchange, id: Number(number) };
}

/**
 * The requests of an exchange's server to the client: sampling, elicitation, roots. Every server counts from 0, so their
 * ids, and their progress tokens, get the name of the exchange: they are unique in the session, and whichever node
 * receives the answer knows who waits for it.
 */
export class AskedRequests {
  readonly #exchange: string;
  readonly #unanswered = new Set<number>();

  constructor(exchange: string) {
    this.#exchange = exchange;
  }

  get size(): number {
    return this.#unanswered.size;
  }

  /** A message to the client, as it goes over the wire. */
  outbound(message: JSONRPCMessage): JSONRPCMessage {
    if (isJSONRPCRequest(message)) {
      this.#unanswered.add(Number(message.id));
      const token = message.params?._meta?.progressToken;
      return {
        ...message,
        id: this.#named(message.id),
        ...(token !== undefined && {
          params: {
            ...message.params,
            _meta: { ...message.params?._meta, progressToken: this.#named(token) },
          },
        }),
      };
    }
    if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
      const requestId = message.params?.['requestId'];
      this.#unanswered.delete(Number(requestId));
      return { ...message, params: { ...message.params, requestId: this.#named(requestId) } };
    }
    return message;
  }

  /** A message of the client, as the server knows it. */
  inbound(message: JSONRPCMessage): JSONRPCMessage {
    if (isJSONRPCResponse(message)) {
      const id = askedId(message.id)?.id;
      if (id === undefined) return message;
      this.#unanswered.delete(id);
      return { ...message, id };
    }
    if (isJSONRPCNotification(message) && message.method === 'notifications/progress') {
      const progressToken = askedId(message.params?.['progressToken'])?.id;
      return progressToken === undefined
        ? message
        : { ...message, params: { ...message.params, progressToken } };
    }
    return message;
  }

  #named(id: unknown): string {
    return `${this.#exchange}.${String(id)}`;
  }
}
