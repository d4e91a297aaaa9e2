import { Cancellation, type Signal } from '../cancellation.ts';
import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import { errors, ProxyError } from '../errors.ts';
import { eraOf } from './era.ts';
import { explain, failureAnswer } from './failure-answer.ts';
import { Message, type RequestId, type UnreadableMessage } from './message.ts';
import { HostCancelled, type OnMessage, type ServerSide } from './server-side.ts';
import { Slots } from './slots.ts';
import type { HostEnd } from './stdio.ts';

/** How long a notification or an answer may hold up the requests behind it. */
const deliveryWithin = 10_000;
/** Requests that are on their way at once; more of them wait here. */
const mostAtOnce = 256;
/** Above this many bytes of unanswered requests nothing more is read from the host. */
const mostBytesWaiting = 256 << 20;

/** What the user wants the bridge to do besides moving messages. */
export interface BridgeRules {
  /** Answers modern requests as a server of the legacy era does. */
  readonly legacyOnly?: boolean;
  /** Milliseconds between pings to the server. */
  readonly pingEvery?: number | undefined;
}

/** A request of the host that waits for its answer. */
interface Waiting {
  readonly request: Message;
  readonly exchange: Cancellation;
}

/**
 * Moves JSON-RPC messages between the host and the server, unread but for what moving them needs. Every request of the
 * host gets exactly one answer: the server's, or an error that says what became of it; a cancelled one gets none.
 */
export class Bridge {
  readonly #host: HostEnd;
  readonly #side: ServerSide;
  readonly #server: URL;
  readonly #log: Log;
  readonly #rules: BridgeRules;
  readonly #waiting = new Set<Waiting>();
  readonly #slots: Slots;
  /** Notifications and answers reach the server in the order of the host's lines; requests only wait for those. */
  #order: Promise<void> = Promise.resolve();

  /** @param open makes the server's side, given what takes the messages that the server sends of its own accord */
  constructor(
    host: HostEnd,
    open: (onMessage: OnMessage) => ServerSide,
    { server, log, rules = {} }: { server: URL; log: Log; rules?: BridgeRules },
  ) {
    this.#host = host;
    this.#server = server;
    this.#log = log;
    this.#rules = rules;
    this.#side = open(this.#onMessage);
    this.#slots = new Slots(mostAtOnce, mostBytesWaiting, {
      onFull: () => {
        host.pause();
      },
      onRoom: () => {
        host.resume();
      },
    });
  }

  /** Runs until the host closes its end, or the signal is aborted; then ends the session at the server. */
  async run(signal: Signal): Promise<void> {
    if (signal.aborted) return;
    const ended = new Promise<void>((resolve) => {
      this.#host.onClose = resolve;
    });
    const close = (): void => {
      this.#host.close();
    };
    signal.addEventListener('abort', close);
    this.#host.onMessage = (message) => {
      this.#fromHost(message);
    };
    this.#host.onUnreadable = (error) => {
      this.#refuseUnreadable(error);
    };
    this.#host.start();
    const pings = this.#keepAlive();
    await ended;
    clearInterval(pings);
    signal.removeEventListener('abort', close);
    const closing = this.#side.close();
    for (const { exchange } of this.#waiting) exchange.abort(errors.shuttingDown());
    this.#waiting.clear();
    await closing;
  }

  #fromHost(message: Message): void {
    if (message.kind === 'request') {
      void this.#carry(message);
      return;
    }
    if (message.method === 'notifications/cancelled' && this.#cancel(message)) return;
    this.#order = this.#order.then(async () => {
      try {
        await withDeadline(this.#side.notify(message), {
          milliseconds: deliveryWithin,
          error: () => errors.answerLost(this.#server),
        });
      } catch (error) {
        // A notification or an answer has nobody who waits for the outcome.
        const code = error instanceof ProxyError ? error.code : undefined;
        this.#log.debug(`not delivered: ${messageOf(error)}`, { method: message.method, code });
      }
    });
  }

  async #carry(request: Message): Promise<void> {
    const waiting: Waiting = { request, exchange: new Cancellation() };
    this.#waiting.add(waiting);
    const release = await this.#slots.take(request.bytes.length);
    try {
      const answer = await this.#answer(waiting);
      if (this.#waiting.delete(waiting)) await this.#toHost(answer);
    } finally {
      release();
    }
  }

  async #answer({ request, exchange }: Waiting): Promise<Message> {
    const id = request.id ?? '';
    if (this.#rules.legacyOnly === true && eraOf(request) === 'modern') {
      // What a server of the legacy era says to it, so that the host falls back to `initialize`.
      return Message.error(id, { code: -32_601, message: `Method not found: ${request.method ?? ''}` });
    }
    await this.#order;
    try {
      return await this.#side.request(request, { signal: exchange.signal, onMessage: this.#onMessage });
    } catch (error) {
      const failure = explain(error, this.#server);
      if (!exchange.signal.aborted) {
        this.#log.debug(`request failed: ${failure.message}`, { method: request.method, code: failure.code });
      }
      return failureAnswer(id, failure);
    }
  }

  /** A cancelled request gets no answer any more. Whether it was one that waits. */
  #cancel(notification: Message): boolean {
    const { requestId } = notification.params as { requestId?: RequestId };
    const cancelled = [...this.#waiting].filter(({ request }) => request.id === requestId);
    for (const waiting of cancelled) {
      this.#waiting.delete(waiting);
      waiting.exchange.abort(new HostCancelled(notification));
    }
    return cancelled.length > 0;
  }

  #refuseUnreadable({ message, id }: UnreadableMessage): void {
    const failure = errors.messageUnreadable(message);
    this.#log.warn(failure.message, { code: failure.code });
    // JSON-RPC 2.0, section 5: the id is null when it could not be read.
    const code = id === undefined ? -32_700 : -32_600;
    void this.#toHost(Message.error(id ?? null, { code, message: failure.message }));
  }

  /** What the server says besides the answers that are waited for. An answer among it would be one too many. */
  readonly #onMessage: OnMessage = (message) => {
    if (message.kind !== 'response') return this.#toHost(message);
    this.#log.debug('an answer that nobody waits for was dropped', { id: String(message.id) });
    return undefined;
  };

  /** Resolves when the host has taken the message, or has gone. */
  async #toHost(message: Message): Promise<void> {
    try {
      await this.#host.send(message);
    } catch (error) {
      this.#log.debug('not delivered to the host', { error: messageOf(error) });
    }
  }

  /** Pings keep a server from taking a quiet connection for a dead one; their answers concern nobody. */
  #keepAlive(): NodeJS.Timeout | undefined {
    const { pingEvery } = this.#rules;
    if (pingEvery === undefined) return undefined;
    let count = 0;
    return setInterval(() => {
      count += 1;
      const ping = Message.request(`keyhole-ping-${count}`, 'ping');
      const context = { signal: AbortSignal.timeout(pingEvery), onMessage: () => undefined };
      this.#side.request(ping, context).catch((error: unknown) => {
        this.#log.debug('a ping was not answered', { error: String(error) });
      });
    }, pingEvery);
  }
}
