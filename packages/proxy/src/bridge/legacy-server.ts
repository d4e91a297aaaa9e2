import { Cancellation } from '../cancellation.ts';
import type { Log } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import { errors, ProxyError } from '../errors.ts';
import {
  errorAnswer,
  isEventStream,
  refusalError,
  refusalOf,
  type Refusal,
  type StreamPosition,
} from '../http/answer.ts';
import { discard } from '../http/body.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { ConnectionLost } from '../http/failures.ts';
import { pause } from '../pause.ts';
import type { LegacySession } from './legacy-session.ts';
import { Message, type RequestId } from './message.ts';
import { post, postHeaders, readAnswer } from './posting.ts';
import { isGatewayFailure, mayRepeat } from './repetition.ts';
import { HostCancelled, type OnMessage, type RequestContext, type ServerSide } from './server-side.ts';
import { isLost, SessionKeeper } from './session-keeper.ts';

/** How long telling the server of a cancelled request may take. */
const cancellationWithin = 10_000;
/** How long a stream is resumed again and again without anything new on it. */
const resumedWithin = 300_000;
/** Before a stream is resumed, where the server does not say (`retry`). */
const usualPause = 1_000;
const shortestPause = 50;

/**
 * A server of the legacy era over Streamable HTTP (MCP 2025-03-26 to 2025-11-25), seen by a legacy host. A session that
 * the server has lost is begun anew and the request repeated, which the server had not looked at; a stream that was cut is
 * resumed; what may have had effects is never sent twice.
 */
export class LegacyServer implements ServerSide {
  readonly #endpoint: Endpoint;
  readonly #log: Log;
  readonly #keeper: SessionKeeper;
  readonly #end = new Cancellation();
  /** Close the exchanges that are under way. Not listeners of one signal, which looks through all of them for each that goes. */
  readonly #exchanges = new Set<() => void>();
  /** Takes the answer to a request of the host that comes otherwise than in its own exchange. */
  readonly #waiting = new Map<RequestId, (answer: Message) => void>();

  constructor(endpoint: Endpoint, onMessage: OnMessage, log: Log) {
    this.#endpoint = endpoint;
    this.#log = log;
    const { signal } = this.#end;
    this.#keeper = new SessionKeeper({ endpoint, onMessage: this.#routed(onMessage), log, signal });
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    const id = message.id ?? '';
    const exchange = new Cancellation();
    const close = (): void => {
      exchange.abort(errors.shuttingDown());
    };
    context.signal.throwIfAborted();
    const inExchange = { signal: exchange.signal, onMessage: this.#routed(context.onMessage, id) };
    let end = (): void => undefined;
    const answer = new Promise<Message>((settle, reject) => {
      const onCancel = (): void => {
        reject(context.signal.reason);
        // The server is told before the exchange is closed under it.
        void this.#cancel(id, context.signal.reason).finally(close);
      };
      this.#waiting.set(id, settle);
      this.#exchanges.add(close);
      context.signal.addEventListener('abort', onCancel);
      end = () => {
        context.signal.removeEventListener('abort', onCancel);
        this.#exchanges.delete(close);
        if (this.#waiting.get(id) === settle) this.#waiting.delete(id);
      };
      const work =
        message.method === 'initialize'
          ? this.#keeper.begin(message, inExchange)
          : this.#carry(message, inExchange);
      work.then(settle, reject);
    });
    try {
      return await answer;
    } finally {
      end();
    }
  }

  async notify(message: Message): Promise<void> {
    let session = await this.#keeper.current();
    let refusal = await this.#deliver(message, session);
    if (refusal !== undefined && isLost(refusal, session)) {
      session = await this.#keeper.renew(session);
      // Whoever asked in the session before has gone with it.
      refusal = message.kind === 'response' ? undefined : await this.#deliver(message, session);
    }
    if (refusal !== undefined) throw refusalError(this.#endpoint.url, refusal);
    if (message.method === 'notifications/initialized' && session !== undefined) {
      await this.#keeper.ready(session, message);
    }
  }

  async close(): Promise<void> {
    this.#end.abort(errors.shuttingDown());
    for (const close of this.#exchanges) close();
    await this.#keeper.end();
  }

  async #carry(message: Message, context: RequestContext): Promise<Message> {
    const id = message.id ?? '';
    const { url } = this.#endpoint;
    let isRenewed = false;
    let isRepeated = false;
    for (;;) {
      const session = await this.#keeper.current();
      const posting = { ...context, message, headers: session?.headers ?? {} };
      const outcome = await post(this.#endpoint, posting, id, this.#log);
      if (outcome.kind === 'answer') return this.#taken(message, outcome.answer, session);
      const mayBeRepeated = !isRepeated && mayRepeat(message.method);
      if (outcome.kind === 'refused') {
        const { refusal } = outcome;
        if (!isRenewed && isLost(refusal, session)) {
          isRenewed = true;
          await this.#keeper.renew(session);
          continue;
        }
        if (!mayBeRepeated || !isGatewayFailure(refusal)) return errorAnswer(url, refusal, id);
      } else {
        const resumed = await this.#resume(id, outcome.position, session, context);
        if (resumed !== undefined) return this.#taken(message, resumed, session);
        if (!mayBeRepeated) throw errors.answerLost(url);
      }
      isRepeated = true;
      this.#log.debug('a request without effects is repeated', { method: message.method ?? '' });
    }
  }

  #taken(message: Message, answer: Message, session: LegacySession | undefined): Message {
    session?.keep(message, answer);
    if (session !== undefined) this.#keeper.listen(session);
    return answer;
  }

  /** Reads on where a stream was cut (MCP 2025-11-25, transports, "Resumability and Redelivery"). */
  async #resume(
    id: RequestId,
    position: StreamPosition,
    session: LegacySession | undefined,
    { signal, onMessage }: RequestContext,
  ): Promise<Message | undefined> {
    const { url } = this.#endpoint;
    let lastNews = performance.now();
    while (position.lastEventId !== undefined && performance.now() - lastNews < resumedWithin) {
      const { lastEventId } = position;
      await pause(Math.max(position.retry ?? usualPause, shortestPause), signal);
      const headers = { ...session?.headers, accept: 'text/event-stream', 'last-event-id': lastEventId };
      try {
        const response = await this.#endpoint.send({ method: 'GET', headers, signal });
        if (response.status !== 200 || !isEventStream(response)) {
          discard(response);
          return undefined;
        }
        const answer = await readAnswer(url, response, { id, onMessage, position, log: this.#log });
        if (answer !== undefined) return answer;
      } catch (error) {
        // The request has been sent: that the server cannot be reached any more does not undo it.
        if (error instanceof ProxyError && error.code === 'server-unreachable') throw errors.answerLost(url);
        if (!(error instanceof ConnectionLost)) throw error;
      }
      if (position.lastEventId !== lastEventId) lastNews = performance.now();
    }
    return undefined;
  }

  /** Delivers a notification or an answer, twice when it is unknown whether it arrived: neither does more the second time. */
  async #deliver(message: Message, session: LegacySession | undefined): Promise<Refusal | undefined> {
    const request = {
      method: 'POST' as const,
      headers: postHeaders(session?.headers ?? {}),
      body: message.bytes,
      signal: this.#end.signal,
    };
    const response = await this.#endpoint.send(request).catch((error: unknown) => {
      if (error instanceof ConnectionLost) return this.#endpoint.send(request);
      throw error;
    });
    const refusal = await refusalOf(response);
    if (refusal === undefined) discard(response);
    return refusal;
  }

  async #cancel(id: RequestId, reason: unknown): Promise<void> {
    if (this.#end.signal.aborted) return;
    const notification =
      reason instanceof HostCancelled
        ? reason.notification
        : Message.notification('notifications/cancelled', { requestId: id });
    try {
      await withDeadline(this.notify(notification), {
        milliseconds: cancellationWithin,
        error: () => errors.answerLost(this.#endpoint.url),
        signal: this.#end.signal,
      });
    } catch (error) {
      this.#log.debug('the server could not be told of a cancelled request', { error: String(error) });
    }
  }

  /**
   * Answers to other requests go to whoever waits for them.
   *
   * @param own the request whose exchange this is: a second answer to it is one too many
   */
  #routed(onMessage: OnMessage, own?: RequestId): OnMessage {
    return (message) => {
      if (message.kind !== 'response') return onMessage(message);
      const { id } = message;
      const settle = id === undefined || id === own ? undefined : this.#waiting.get(id);
      if (settle !== undefined) settle(message);
      else this.#log.debug('an answer that nobody waits for was dropped', { id: String(id) });
      return undefined;
    };
  }
}
