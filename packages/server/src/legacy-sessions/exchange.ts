import { randomBytes } from 'node:crypto';
import {
  isJSONRPCRequest,
  isJSONRPCResponse,
  WebStandardStreamableHTTPServerTransport,
  type AuthInfo,
  type EventStore,
  type JSONRPCMessage,
  type McpServerFactory,
  type RequestId,
  type TransportSendOptions,
} from '@modelcontextprotocol/server';
import type { Session } from '../shared-state/sessions.ts';
import { AskedRequests } from './asked-requests.ts';
import { ownStream, type EventLog } from './event-log.ts';
import { restore } from './restoration.ts';
import { grantSubscriptions, type Subscriptions } from './subscriptions.ts';

type Product = Awaited<ReturnType<McpServerFactory>>;

/** Milliseconds that a server lives on whose client has said something that needs no answer: it may ask back. */
const afterglow = 1_000;

/** Milliseconds that requests may go on whose client has lost the connection and may resume it. */
const detachedDeadline = 300_000;

/** Milliseconds between comments that keep a stream's connection alive. */
export const keepAlive = 15_000;

/** Milliseconds after which a client whose stream was cut, or closed before its answer, comes again (`retry`, SEP-1699). */
export const retryInterval = 1_000;

/** What an {@link Exchange} is made of. */
export interface ExchangeParts {
  readonly factory: McpServerFactory;
  readonly session: Session;
  /** Whether the session begins with it. */
  readonly isFirst: boolean;
  readonly node: string;
  readonly log: EventLog;
  readonly subscriptions: Subscriptions;
  readonly onerror: (error: Error) => void;
  readonly authInfo: AuthInfo | undefined;
}

/**
 * A POST in a session, answered by a server made for it, which is told first what the session has agreed. What it sends is
 * kept, so that the client may read on elsewhere when its connection is cut; that is no reason to stop (MCP 2025-11-25,
 * transports, "Sending Messages to the Server").
 */
export class Exchange {
  /** The name of its stream, which says on which node it runs. */
  readonly name: string;
  readonly session: Session;
  /** The client's requests that are not answered yet. */
  readonly pending = new Set<RequestId>();
  /** Settles when all is over. */
  readonly ended: Promise<void>;
  readonly #parts: ExchangeParts;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #asked: AskedRequests;
  #product: Product | undefined;
  /** Messages that are being kept and sent: of a batch, one answer must not end the exchange under another. */
  #underWay = 0;
  #end: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.session = parts.session;
    this.name = `${parts.node}.${randomBytes(9).toString('base64url')}`;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#asked = new AskedRequests(this.name);
    this.#transport = this.#newTransport();
  }

  /** @param messages the request's body, without what is for other exchanges */
  async respond(request: Request, messages: readonly JSONRPCMessage[], isBatch: boolean): Promise<Response> {
    const { factory, session, isFirst, subscriptions, authInfo } = this.#parts;
    const auth = authInfo === undefined ? {} : { authInfo };
    for (const message of messages) {
      if (isJSONRPCRequest(message)) this.pending.add(message.id);
      subscriptions.inbound(message);
    }
    try {
      this.#product = await factory({ era: 'legacy', ...auth, requestInfo: request });
      grantSubscriptions(this.#product);
      await this.#product.connect(this.#transport);
      if (!isFirst) await restore(this.#transport, session);
      request.signal.addEventListener('abort', () => this.#detach(), { once: true });
      if (request.signal.aborted) this.#detach();
      const parsedBody = isBatch ? messages : messages[0];
      const response = await this.#transport.handleRequest(request, { ...auth, parsedBody });
      if (!response.ok || this.pending.size === 0) this.#closeAfter(response.ok ? afterglow : 0);
      return response;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Hands over what the client sent elsewhere: an answer, or a notification about a request. */
  deliver(message: JSONRPCMessage): void {
    const { authInfo } = this.#parts;
    this.#transport.onmessage?.(this.#asked.inbound(message), authInfo === undefined ? {} : { authInfo });
  }

  /** The client no longer wants an answer. */
  cancel(notification: JSONRPCMessage, requestId: RequestId): void {
    this.deliver(notification);
    this.pending.delete(requestId);
    this.#closeIfDone();
  }

  /** Ends it, with an error for what is not answered, where a client may still ask for it. */
  async close(reason?: string): Promise<void> {
    clearTimeout(this.#timer);
    const unanswered = [...this.pending];
    for (const id of reason === undefined ? [] : unanswered) {
      await this.#transport
        .send({ jsonrpc: '2.0', id, error: { code: -32_000, message: reason ?? '' } })
        .catch(this.#parts.onerror);
    }
    await this.#product?.close().catch(this.#parts.onerror);
    await this.#transport.close();
    this.#end();
  }

  #newTransport(): WebStandardStreamableHTTPServerTransport {
    const { session, isFirst, subscriptions, onerror } = this.#parts;
    const transport = new WebStandardStreamableHTTPServerTransport({
      // Only the exchange that begins the session may hold an `initialize`.
      sessionIdGenerator: isFirst ? () => session.id : undefined,
      eventStore: this.#eventStore(),
      keepAliveMs: keepAlive,
      retryInterval,
    });
    transport.onerror = onerror;
    if (!isFirst) transport.sessionId = session.id;
    const send = transport.send.bind(transport);
    transport.send = async (message, options) => {
      this.#underWay += 1;
      try {
        const outbound = this.#asked.outbound(await subscriptions.outbound(message));
        await send(outbound, this.#related(message, options));
      } finally {
        this.#underWay -= 1;
      }
      this.#closeIfDone();
    };
    const closeStream = transport.closeSSEStream.bind(transport);
    transport.closeSSEStream = (id) => {
      closeStream(id);
      this.#detach();
    };
    return transport;
  }

  /** What is asked while one request is being answered is asked for its sake: so it reaches clients that read no other stream. */
  #related(
    message: JSONRPCMessage,
    { relatedRequestId }: TransportSendOptions = {},
  ): { relatedRequestId?: RequestId } {
    const [only, ...others] = this.pending;
    const isAsked = isJSONRPCRequest(message) && others.length === 0;
    const related = relatedRequestId ?? (isAsked ? only : undefined);
    return related === undefined ? {} : { relatedRequestId: related };
  }

  /** Numbers the events: the transport names the stream of this exchange as it likes, and the session's own. */
  #eventStore(): EventStore {
    const { log } = this.#parts;
    return {
      storeEvent: async (stream, message) => {
        if (stream === '_GET_stream') return log.append(ownStream, message, []);
        if (isJSONRPCResponse(message) && message.id !== undefined) this.pending.delete(message.id);
        return log.append(this.name, message, [...this.pending]);
      },
      // Streams are resumed by whichever node is asked, from the log, and not by this transport.
      replayEventsAfter: () => Promise.reject(new Error('streams are resumed from the event log')),
    };
  }

  #detach(): void {
    if (this.pending.size > 0) this.#closeAfter(detachedDeadline);
  }

  #closeIfDone(): void {
    if (this.pending.size + this.#asked.size + this.#underWay === 0) this.#closeAfter(0);
  }

  #closeAfter(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.close(), milliseconds).unref();
  }
}
