import type { Signal } from '../cancellation.ts';
import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { errors, ProxyError } from '../errors.ts';
import { errorAnswer, isEventStream, readMessages, refusalOf, type Refusal } from '../http/answer.ts';
import { discard } from '../http/body.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { headerOf } from '../http/exchange.ts';
import { ConnectionLost } from '../http/failures.ts';
import { pause } from '../pause.ts';
import { LegacySession } from './legacy-session.ts';
import { Message } from './message.ts';
import { newPosition, post, postHeaders, readAnswer } from './posting.ts';
import { isGatewayFailure } from './repetition.ts';
import type { OnMessage, RequestContext } from './server-side.ts';

/** How long the server may take to end the session when the host has gone: hosts insist after two seconds. */
const farewellWithin = 1_500;
/** Before the server's own stream is opened again, where the server does not say (`retry`). */
const usualPause = 1_000;
const longestPause = 30_000;
/** How long the first request waits for the server's own stream: some servers send no head before the first event. */
const heardWithin = 300;

/** Which list the host has to ask for again when the server behind the session may be another one. */
const listsOf = { tools: 'tools', prompts: 'prompts', resources: 'resources' } as const;

/** What a {@link SessionKeeper} works with. */
export interface SessionKeeperContext {
  readonly endpoint: Endpoint;
  /** Takes what the server sends of its own accord. */
  readonly onMessage: OnMessage;
  readonly log: Log;
  /** Ends everything. */
  readonly signal: Signal;
}

/** The session at a legacy server: begun by the host's `initialize`, begun anew when the server has lost it. */
export class SessionKeeper {
  readonly #context: SessionKeeperContext;
  #session: LegacySession | undefined;
  #renewal: Promise<LegacySession> | undefined;
  /** The session whose own stream is read, or was refused. */
  #heard: LegacySession | undefined;
  /** Settled when the server has answered the question for its own stream. */
  #opened: Promise<void> = Promise.resolve();
  #requests = 0;

  constructor(context: SessionKeeperContext) {
    this.#context = context;
  }

  /** The session, after a renewal that is under way. */
  async current(): Promise<LegacySession | undefined> {
    return this.#renewal ?? this.#session;
  }

  /** The handshake of a host. @throws ProxyError; the signal's reason */
  async begin(initialize: Message, context: RequestContext): Promise<Message> {
    const { answer, session } = await this.#handshake(initialize, context, false);
    if (session !== undefined) this.#session = session;
    return answer;
  }

  /**
   * The host has said that it is ready: from now on the server may send of its own accord. Waits a moment for its stream
   * to be open, since what some servers say before that is lost.
   */
  async ready(session: LegacySession, initialized: Message): Promise<void> {
    session.initialized = initialized;
    this.listen(session);
    await Promise.race([this.#opened, pause(heardWithin, this.#context.signal)]);
  }

  /**
   * Begins a session like the one that was lost, once for all who find it lost.
   *
   * @param background does not lead to a sign-in
   * @throws ProxyError
   */
  renew(lost: LegacySession, background = false): Promise<LegacySession> {
    if (this.#renewal !== undefined) return this.#renewal;
    if (this.#session !== undefined && this.#session !== lost) return Promise.resolve(this.#session);
    this.#renewal = this.#beginAnew(lost, background).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /** Reads the server's own stream (GET), unless that happens already or the server has none. */
  listen(session: LegacySession): void {
    if (session.initialized === undefined || this.#heard === session) return;
    this.#heard = session;
    this.#opened = new Promise((onOpened) => {
      this.#hear(session, onOpened)
        .catch((error: unknown) => {
          this.#context.log.debug("the server's own stream is not read any more", { error: String(error) });
        })
        .finally(onOpened);
    });
  }

  /** Ends the session at the server. Never throws. */
  async end(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (session?.id === undefined) return;
    const { endpoint, log } = this.#context;
    const { headers } = session;
    try {
      const signal = AbortSignal.timeout(farewellWithin);
      discard(await endpoint.send({ method: 'DELETE', headers, signal, background: true }));
    } catch (error) {
      log.debug('the session was not ended', { error: String(error) });
    }
  }

  async #handshake(
    initialize: Message,
    { signal, onMessage }: RequestContext,
    background: boolean,
  ): Promise<{ answer: Message; session?: LegacySession }> {
    const { endpoint, log } = this.#context;
    const id = initialize.id ?? '';
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      try {
        const request = { method: 'POST' as const, headers: postHeaders({}), body: initialize.bytes };
        const response = await endpoint.send({ ...request, signal, background });
        const refusal = await refusalOf(response);
        if (refusal !== undefined) {
          if (attempt === 1 && isGatewayFailure(refusal)) continue;
          return { answer: errorAnswer(endpoint.url, refusal, id) };
        }
        const options = { id, onMessage, position: newPosition(), log };
        const answer = await readAnswer(endpoint.url, response, options);
        if (answer?.result !== undefined) {
          return {
            answer,
            session: new LegacySession(initialize, answer, headerOf(response, 'mcp-session-id')),
          };
        }
        if (answer !== undefined) return { answer };
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
      }
    }
    throw errors.answerLost(endpoint.url);
  }

  async #beginAnew(lost: LegacySession, background: boolean): Promise<LegacySession> {
    const { endpoint, log, onMessage, signal } = this.#context;
    log.debug('the server has lost the session; it is begun anew');
    const { answer, session } = await this.#handshake(lost.initialize, { signal, onMessage }, background);
    if (session === undefined) {
      throw errors.serverAnswerUnusable(
        endpoint.url,
        `it does not begin a session again: ${answer.error?.message ?? ''}`,
      );
    }
    session.inherit(lost);
    this.#session = session;
    if (session.initialized !== undefined) {
      const { bytes } = session.initialized;
      const request = { method: 'POST' as const, headers: postHeaders(session.headers), body: bytes, signal };
      discard(await endpoint.send({ ...request, background }));
      for (const message of session.standing) await this.#sayAgain(message, session);
      this.listen(session);
    }
    if (session.greeting !== lost.greeting) await this.#announceChange(session);
    return session;
  }

  async #sayAgain(standing: Message, session: LegacySession): Promise<void> {
    const { endpoint, log, onMessage, signal } = this.#context;
    this.#requests += 1;
    const id = `keyhole-again-${this.#requests}`;
    const message = Message.of({ ...standing.json, id });
    const outcome = await post(endpoint, { message, headers: session.headers, signal, onMessage }, id, log);
    if (outcome.kind !== 'answer' || outcome.answer.error !== undefined) {
      log.warn(`the server did not take ${standing.method ?? ''} again after it had lost the session`);
    }
  }

  /** A server that comes back otherwise than it went may have other tools too. */
  async #announceChange(session: LegacySession): Promise<void> {
    const { capabilities = {} } = JSON.parse(session.greeting) as { capabilities?: Record<string, unknown> };
    for (const [capability, list] of Object.entries(listsOf)) {
      if (capabilities[capability] === undefined) continue;
      await this.#context.onMessage(Message.notification(`notifications/${list}/list_changed`));
    }
  }

  async #hear(session: LegacySession, onOpened: () => void): Promise<void> {
    const { endpoint, log, onMessage, signal } = this.#context;
    const position = newPosition();
    let wasOpen = false;
    for (let wait = usualPause; this.#session === session; wait = Math.min(2 * wait, longestPause)) {
      try {
        const resumption =
          position.lastEventId === undefined ? {} : { 'last-event-id': position.lastEventId };
        const headers = { ...session.headers, accept: 'text/event-stream', ...resumption };
        const response = await endpoint.send({ method: 'GET', headers, signal, background: true });
        onOpened();
        const refusal = await refusalOf(response);
        // A stream that never was there may be one that the server does not have, or not on this node of it.
        if (refusal !== undefined && wasOpen && isLost(refusal, session)) {
          await this.renew(session, true);
          return;
        }
        if (refusal?.status === 401) {
          // Only a request of the host's may lead to a sign-in; afterwards this is tried again.
          this.#heard = undefined;
          return;
        }
        if (refusal !== undefined && refusal.status < 500) return;
        if (refusal === undefined && !isEventStream(response)) {
          discard(response);
          return;
        }
        if (refusal === undefined) {
          wasOpen = true;
          wait = usualPause;
          const onUnreadable = (error: Error): void => {
            log.debug("an event of the server's own stream is no message", { error: error.message });
          };
          await readMessages(endpoint.url, response, { onMessage, onUnreadable }, position);
        }
      } catch (error) {
        if (!(error instanceof ConnectionLost) && !(error instanceof ProxyError)) throw error;
        log.debug("the server's own stream has ended", { error: messageOf(error) });
      }
      await pause(position.retry ?? wait, signal);
    }
  }
}

/** Whether the server does not know the session any more: 404, where some say 410, or 400 with words. */
export function isLost(
  { status, text }: Refusal,
  session: LegacySession | undefined,
): session is LegacySession {
  if (session?.id === undefined) return false;
  return status === 404 || status === 410 || (status === 400 && /session/iu.test(text));
}
