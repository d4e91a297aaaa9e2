import {
  isInitializeRequest,
  isJSONRPCRequest,
  isJSONRPCResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
} from '@modelcontextprotocol/client';
import type { Log } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import { errors } from '../errors.ts';
import { answerWithin, explainHttpFailure, failureAnswer } from './failure-answer.ts';
import type { ServerTransport } from './http.ts';
import { UnreadableLine, type StdioTransport } from './stdio.ts';
import type { ToolFilter } from './tool-filter.ts';

/** How long the server may take to end the session when the host has gone. */
const farewellWithin = 3_000;

/** How long a notification or an answer may hold up the requests behind it. */
const deliveryWithin = 10_000;

/** What the user wants the bridge to do besides moving messages. */
export interface BridgeRules {
  readonly toolFilter?: ToolFilter | undefined;
  /** Answers modern requests as a server of the legacy era does. */
  readonly legacyOnly?: boolean;
  /** Milliseconds between pings to the server. */
  readonly pingEvery?: number | undefined;
}

/** A request of the host that waits for its answer. */
interface Waiting {
  readonly request: JSONRPCRequest;
  /** Closes the request's own HTTP exchange. */
  readonly exchange: AbortController;
}

/**
 * Moves JSON-RPC messages between the host (stdio) and the server (HTTP), unread but for what moving them needs. Every
 * request of the host gets exactly one answer: the server's, or an error that says what became of it.
 */
export class Bridge {
  readonly #host: StdioTransport;
  readonly #http: ServerTransport;
  readonly #server: URL;
  readonly #log: Log;
  readonly #rules: BridgeRules;
  readonly #waiting = new Map<RequestId, Waiting>();
  /** Notifications and answers reach the server in the order of the host's lines; requests only wait for those. */
  #order: Promise<void> = Promise.resolve();

  constructor(host: StdioTransport, http: ServerTransport, server: URL, log: Log, rules: BridgeRules = {}) {
    this.#host = host;
    this.#http = http;
    this.#server = server;
    this.#log = log;
    this.#rules = rules;
  }

  /** Runs until the host closes its end, or the signal is aborted; then ends the session at the server. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const ended = new Promise<void>((resolve) => {
      this.#host.onclose = resolve;
    });
    signal.addEventListener('abort', () => void this.#host.close(), { once: true });
    this.#host.onmessage = (message) => {
      this.#fromHost(message);
    };
    this.#host.onerror = (error) => {
      this.#onHostError(error);
    };
    this.#http.onmessage = (message) => {
      this.#fromServer(message);
    };
    // Failures of requests reach their senders; this is what nobody waits for, such as the stream of a GET.
    this.#http.onerror = (error) => {
      this.#log.debug('the server connection reports', { error: error.message });
    };
    await this.#http.start();
    await this.#host.start();
    const pings = this.#keepAlive();
    await ended;
    clearInterval(pings);
    await this.#end();
  }

  #fromHost(message: JSONRPCMessage): void {
    if (isJSONRPCRequest(message)) {
      const refusal = this.#refusalOf(message);
      if (refusal === undefined) void this.#forwardRequest(message);
      else this.#toHost(refusal);
      return;
    }
    if (isCancellation(message) && this.#cancel(message)) return;
    this.#order = this.#order.then(async () => {
      try {
        await withDeadline(this.#http.send(message), {
          milliseconds: deliveryWithin,
          error: () => errors.answerLost(this.#server),
        });
      } catch (error) {
        // A notification or an answer has nobody who waits for the outcome.
        const failure = explainHttpFailure(error, this.#server);
        this.#log.debug(`not delivered: ${failure.message}`, { code: failure.code });
      }
    });
  }

  /** The answer to what the user's rules do not let through. */
  #refusalOf({ id, method, ...request }: JSONRPCRequest): JSONRPCMessage | undefined {
    if (this.#rules.legacyOnly === true && isModern({ id, method, ...request })) {
      // What a server of the legacy era says to it, so that the host falls back to `initialize`.
      return { jsonrpc: '2.0', id, error: { code: -32_601, message: `Method not found: ${method}` } };
    }
    const tool = this.#rules.toolFilter?.refused({ id, method, ...request });
    return tool === undefined ? undefined : failureAnswer(id, errors.toolHidden(tool));
  }

  /** Pings keep a server from taking a quiet connection for a dead one; their answers concern nobody. */
  #keepAlive(): NodeJS.Timeout | undefined {
    const { pingEvery } = this.#rules;
    if (pingEvery === undefined) return undefined;
    let count = 0;
    return setInterval(() => {
      count += 1;
      const ping: JSONRPCRequest = { jsonrpc: '2.0', id: `keyhole-ping-${count}`, method: 'ping' };
      this.#http.send(ping).catch((error: unknown) => {
        this.#log.debug('a ping was not answered', { error: String(error) });
      });
    }, pingEvery);
  }

  async #forwardRequest(request: JSONRPCRequest): Promise<void> {
    const waiting: Waiting = { request, exchange: new AbortController() };
    this.#waiting.set(request.id, waiting);
    await this.#order;
    try {
      await this.#http.send(request, {
        requestSignal: waiting.exchange.signal,
        onRequestStreamEnd: () => {
          this.#settle(request.id, waiting, failureAnswer(request.id, errors.answerLost(this.#server)));
        },
      });
    } catch (error) {
      const answer = answerWithin(error, request.id);
      if (answer !== undefined) {
        this.#settle(request.id, waiting, answer);
        return;
      }
      const failure = explainHttpFailure(error, this.#server);
      this.#log.debug(`request failed: ${failure.message}`, { method: request.method, code: failure.code });
      this.#settle(request.id, waiting, failureAnswer(request.id, failure));
    }
  }

  #fromServer(message: JSONRPCMessage): void {
    if (!isJSONRPCResponse(message)) {
      this.#toHost(message);
      return;
    }
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
    if (message.id === undefined || waiting === undefined) {
      this.#log.debug('an answer that nobody waits for was dropped', { id: String(message.id) });
      return;
    }
    if ('result' in message && isInitializeRequest(waiting.request)) {
      const { protocolVersion } = message.result;
      if (typeof protocolVersion === 'string') this.#http.setProtocolVersion(protocolVersion);
    }
    const { toolFilter } = this.#rules;
    const visible =
      toolFilter !== undefined && 'result' in message
        ? toolFilter.filtered(waiting.request, message)
        : message;
    this.#settle(message.id, waiting, visible);
  }

  /** Answers a request, once: whoever comes second finds it gone. */
  #settle(id: RequestId, waiting: Waiting, answer: JSONRPCMessage): void {
    if (this.#waiting.get(id) !== waiting) return;
    this.#waiting.delete(id);
    this.#toHost(answer);
  }

  /**
   * A cancelled request gets no answer any more. In the modern era closing its exchange is what tells the server; in the
   * legacy era the notification does. Whether the server has been told.
   */
  #cancel(message: JSONRPCMessage & { params: { requestId: RequestId } }): boolean {
    const { requestId } = message.params;
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined) return false;
    this.#waiting.delete(requestId);
    if (!isModern(waiting.request)) return false;
    waiting.exchange.abort();
    return true;
  }

  #onHostError(error: Error): void {
    if (!(error instanceof UnreadableLine)) {
      this.#log.debug('the host connection reports', { error: error.message });
      return;
    }
    const failure = errors.messageUnreadable(error.message);
    this.#log.warn(failure.message, { code: failure.code });
    // JSON-RPC 2.0, section 5: the id is null when it could not be read. The SDK's types do not know that form.
    const answer = { jsonrpc: '2.0', id: null, error: { code: -32_700, message: failure.message } };
    this.#toHost(answer as unknown as JSONRPCMessage);
  }

  #toHost(message: JSONRPCMessage): void {
    this.#host.send(message).catch((error: unknown) => {
      this.#log.debug('not delivered to the host', { error: String(error) });
    });
  }

  async #end(): Promise<void> {
    for (const { exchange } of this.#waiting.values()) exchange.abort();
    this.#waiting.clear();
    try {
      await withDeadline(this.#http.terminateSession(), {
        milliseconds: farewellWithin,
        error: () => new Error('the server did not end the session in time'),
      });
    } catch (error) {
      this.#log.debug('the session was not ended', { error: String(error) });
    }
    await this.#http.close();
  }
}

function isCancellation(
  message: JSONRPCMessage,
): message is JSONRPCMessage & { params: { requestId: RequestId } } {
  if (!('method' in message) || message.method !== 'notifications/cancelled') return false;
  const requestId: unknown = (message.params as { requestId?: unknown } | undefined)?.requestId;
  return typeof requestId === 'string' || typeof requestId === 'number';
}

/** A modern request names its protocol version itself (MCP 2026-07-28). */
function isModern(request: JSONRPCRequest): boolean {
  return request.params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;
}
