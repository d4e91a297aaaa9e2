import { randomUUID } from 'node:crypto';
import type { RequestId, ServerEventBus } from '@modelcontextprotocol/server';
import type { Session, SessionEvent, SessionNews, Sessions } from '../shared-state/sessions.ts';
import { Announcements } from './announcements.ts';
import { eventIdOf, ownStream } from './event-log.ts';
import { keepAlive, retryInterval } from './exchange.ts';

/** Milliseconds between two looks whether a resumed stream's exchange still runs, and after how many without one it does not. */
const livenessPause = 2_000;
const mostMisses = 2;

/** What an {@link eventStream} reads. */
export interface EventStreamParts {
  readonly sessions: Sessions;
  readonly session: Session;
  readonly stream: string;
  /** The event after which it begins. Default: what was not delivered yet */
  readonly after?: SessionEvent | undefined;
  /** What the session's own stream tells of while it is read. */
  readonly changes: ServerEventBus;
  /** Whether the node still runs that answers the stream's requests. */
  readonly isAlive: () => Promise<boolean>;
  /** Ends the stream. */
  readonly signal: AbortSignal;
}

/**
 * A stream read from the event log, wherever it is written: the session's own, or what is left of a request's. The latter
 * ends with its last answer, or with errors when nobody is there to give them.
 */
export function eventStream(parts: EventStreamParts): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const ending = new AbortController();
  const signal = AbortSignal.any([parts.signal, ending.signal]);
  const chunks = read({ ...parts, signal });
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { value, done } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => ending.abort(),
    },
    { highWaterMark: 0 },
  );
}

async function* read(parts: EventStreamParts): AsyncGenerator<string, void> {
  const { sessions, session, stream, after, signal } = parts;
  const isOwn = stream === ownStream;
  const wakeUp = new WakeUp(signal);
  const self: SessionNews = `stream ${randomUUID()}`;
  const unwatch = await sessions.watch(session.id, (news) => {
    // Of two connections for the session's own stream the newer counts: the other may be dead without knowing.
    if (news === 'ended' || (isOwn && news.startsWith('stream ') && news !== self)) wakeUp.end();
    else if (news === 'event') wakeUp.ring();
  });
  const { changes } = parts;
  // Where Redis is away the stream ends, as below.
  const onfailure = (): void => wakeUp.end();
  const announcements = isOwn
    ? await Announcements.begin({ sessions, sessionId: session.id, stream: self, changes, onfailure })
    : undefined;
  let position = after?.id ?? session.delivered;
  let pending = after?.pending ?? [];
  let misses = 0;
  try {
    // So that the client sees the head of the answer at once.
    yield `: open\nretry: ${retryInterval}\n\n`;
    if (isOwn) await sessions.tell(session.id, self);
    for (;;) {
      if (wakeUp.hasEnded || (!isOwn && pending.length === 0)) return;
      const events = await sessions.eventsFrom(session.id, position);
      const isGap = position !== undefined && events[0]?.id !== position;
      if (isGap && !isOwn) {
        yield* errorsFor(pending, 'The connection was cut, and what was sent meanwhile is no longer kept.');
        return;
      }
      for (const event of isGap ? events : events.filter(({ id }) => id !== position)) {
        position = event.id;
        if (event.stream !== stream) continue;
        pending = event.pending;
        yield textOf(event);
        if (isOwn) await sessions.update(session.id, { delivered: event.id });
      }
      if (!isOwn && pending.length === 0) return;
      const news = await wakeUp.rings(isOwn ? keepAlive : livenessPause);
      if (news === 'ended') return;
      if (news === 'rung') continue;
      yield ': keepalive\n\n';
      if ((await sessions.find(session.id)) === undefined) return;
      if (isOwn) continue;
      misses = (await parts.isAlive()) ? 0 : misses + 1;
      if (misses < mostMisses) continue;
      yield* errorsFor(
        pending,
        'The node that worked on this request has ended; it may have been carried out.',
      );
      return;
    }
  } catch (error) {
    // Redis is away: the client comes again, as after any cut.
    if (!signal.aborted) throw error;
  } finally {
    if (signal.aborted) announcements?.linger();
    else announcements?.end();
    unwatch();
    wakeUp.end();
  }
}

function textOf(event: SessionEvent): string {
  const id = `id: ${eventIdOf(event)}\n`;
  return event.message === '' ? `${id}data: \n\n` : `event: message\n${id}data: ${event.message}\n\n`;
}

function* errorsFor(pending: readonly RequestId[], message: string): Generator<string> {
  for (const id of pending) {
    const error = { jsonrpc: '2.0', id, error: { code: -32_000, message } };
    yield `event: message\ndata: ${JSON.stringify(error)}\n\n`;
  }
}

/** Waits for news, or for a while, or for the end. */
class WakeUp {
  hasEnded = false;
  #hasRung = false;
  #wake: () => void = () => undefined;
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.end();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    if (signal.aborted) this.hasEnded = true;
    signal.addEventListener('abort', this.#onAbort);
  }

  ring(): void {
    this.#hasRung = true;
    this.#wake();
  }

  end(): void {
    this.hasEnded = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#wake();
  }

  /** Waits for one of them, at most the milliseconds. */
  async rings(milliseconds: number): Promise<'rung' | 'ended' | 'silence'> {
    if (!this.#hasRung && !this.hasEnded) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds).unref();
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const hasRung = this.#hasRung;
    this.#hasRung = false;
    if (this.hasEnded) return 'ended';
    return hasRung ? 'rung' : 'silence';
  }
}
