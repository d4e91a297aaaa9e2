import {
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type McpServerFactory,
  type RequestId,
} from '@modelcontextprotocol/server';
import { subscriptionLimits, type Sessions } from '../shared-state/sessions.ts';
import { SharedStateUnavailable } from '../shared-state/shared-state.ts';

type Product = Awaited<ReturnType<McpServerFactory>>;

const methods = ['resources/subscribe', 'resources/unsubscribe'] as const;

interface Asked {
  readonly method: (typeof methods)[number];
  readonly uri: string;
}

/**
 * What a session is subscribed to (MCP 2025-11-25, resources, "Subscriptions"). The server of a request ends with it, so that it can
 * only say whether a subscription may be: it is kept in the session, and that before the client hears of it.
 */
export class Subscriptions {
  readonly #sessions: Sessions;
  readonly #sessionId: string;
  readonly #asked = new Map<RequestId, Asked>();

  constructor(sessions: Sessions, sessionId: string) {
    this.#sessions = sessions;
    this.#sessionId = sessionId;
  }

  /** A request of the client. */
  inbound(message: JSONRPCMessage): void {
    if (!isJSONRPCRequest(message)) return;
    const method = methods.find((one) => one === message.method);
    const uri = message.params?.['uri'];
    if (method !== undefined && typeof uri === 'string') this.#asked.set(message.id, { method, uri });
  }

  /** @param message what the server says; where it grants a subscription that cannot be kept, the client gets an error instead */
  async outbound(message: JSONRPCMessage): Promise<JSONRPCMessage> {
    if (!isJSONRPCResponse(message) || message.id === undefined) return message;
    const { id } = message;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (asked === undefined || isJSONRPCErrorResponse(message)) return message;
    const refusal = await this.#keep(asked);
    return refusal === undefined
      ? message
      : { jsonrpc: '2.0', id, error: { code: -32_000, message: refusal } };
  }

  /** @returns why it cannot be kept */
  async #keep({ method, uri }: Asked): Promise<string | undefined> {
    const { count, length } = subscriptionLimits;
    if (uri.length > length) return `A URI to subscribe to has at most ${length} characters`;
    try {
      if (method === 'resources/unsubscribe') await this.#sessions.unsubscribe(this.#sessionId, uri);
      else if (!(await this.#sessions.subscribe(this.#sessionId, uri))) {
        return `A session has at most ${count} subscriptions`;
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof SharedStateUnavailable)) throw error;
      return 'The subscription cannot be changed at the moment. Try again shortly.';
    }
  }
}

/** Has a server that says it has subscriptions, and leaves it at that, grant them: as it is in the era of 2026-07-28. */
export function grantSubscriptions(product: Product): void {
  const server = 'server' in product ? product.server : product;
  if (server.getCapabilities().resources?.subscribe !== true) return;
  for (const method of methods) {
    try {
      server.assertCanSetRequestHandler(method);
    } catch {
      // It decides by itself.
      continue;
    }
    server.setRequestHandler(method, () => ({}));
  }
}
