import { Cancellation, type Signal } from '../cancellation.ts';
import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { unlessAborted } from '../deadline.ts';
import { ProxyError } from '../errors.ts';
import { pause } from '../pause.ts';
import { withoutMeta } from './legacy-terms.ts';
import { Message, objectOf, type JsonObject } from './message.ts';
import { invalidParams, methodNotFound, subscriptionKey } from './modern-terms.ts';
import type { OnMessage, RequestContext } from './server-side.ts';

/** How long to wait before listening again; each time twice as long, up to the longest. */
const firstDelay = 1_000;
const longestDelay = 60_000;
/** After so many milliseconds a stream has held, and its end is no sign that the next one would end too. */
const heldAfter = 30_000;

/** What may be otherwise in a moment. The rest, a sign-in above all, is not tried again behind the user's back. */
const passing = new Set<unknown>(['answer-lost', 'server-unreachable', 'server-error']);

/** What a {@link KeptStream} works with. */
export interface KeptStreamContext {
  /** Sends a `subscriptions/listen` with these filters. @throws ProxyError; the signal's reason */
  readonly listen: (filter: JsonObject, context: RequestContext) => Promise<Message>;
  /** Takes what the server reports. */
  readonly onMessage: OnMessage;
  readonly log: Log;
  /** Milliseconds on a clock that only goes forward. Default: the process's. */
  readonly now?: (() => number) | undefined;
  /** Waits so many milliseconds, unless the signal is aborted; then its reason is thrown. Default: on a timer. */
  readonly wait?: ((milliseconds: number, signal: Signal) => Promise<void>) | undefined;
}

/** The server does not report on what is asked for. */
export class NotReported extends Error {}

/** How listening came to its end. */
interface End {
  readonly why: unknown;
  /** Whether it is pointless to listen again. */
  readonly isFinal: boolean;
}

/**
 * A stream of reports from a modern server (MCP 2026-07-28, subscriptions), opened again whenever it ends. When something
 * else is to be listened to, a new stream takes the place of the old one as soon as the server has acknowledged it, so that
 * nothing is missed in between.
 */
export class KeptStream {
  readonly #context: KeptStreamContext;
  readonly #now: () => number;
  readonly #wait: (milliseconds: number, signal: Signal) => Promise<void>;
  /** The stream that is listened to. */
  #heard: Cancellation | undefined;
  /** Ends the efforts for what was wanted before. */
  #effort = new Cancellation();
  #onWorked = (): void => undefined;

  constructor(context: KeptStreamContext) {
    this.#context = context;
    this.#now = context.now ?? (() => performance.now());
    this.#wait = context.wait ?? pause;
  }

  /**
   * Listens to this from now on, and to nothing else; an empty filter ends the listening.
   *
   * @returns what the server will report on, once it says so
   * @throws what keeps it from doing so at first ({@link NotReported}, ProxyError); the efforts go on
   */
  async listenTo(filter: JsonObject): Promise<JsonObject> {
    this.#effort.abort();
    const effort = new Cancellation();
    this.#effort = effort;
    if (Object.keys(filter).length === 0) {
      this.#heard?.abort();
      return {};
    }
    return new Promise((resolve, reject) => {
      this.#keepListening(filter, effort.signal, resolve, reject).catch(reject);
    });
  }

  /** Tells that the server has answered something: what could not be listened to may be possible now. */
  worked(): void {
    this.#onWorked();
  }

  /** Ends it for good. */
  close(reason: Error): void {
    this.#effort.abort(reason);
    this.#heard?.abort(reason);
  }

  async #keepListening(
    filter: JsonObject,
    signal: Signal,
    onOpen: (honoured: JsonObject) => void,
    onFailure: (error: unknown) => void,
  ): Promise<void> {
    for (let delay = firstDelay; ; delay = Math.min(2 * delay, longestDelay)) {
      const begin = this.#now();
      const { why, isFinal } = await this.#listen(filter, signal, onOpen);
      onFailure(why);
      if (signal.aborted) return;
      this.#context.log.debug('the server has stopped reporting changes', { why: messageOf(why), isFinal });
      if (isFinal) return;
      if (this.#now() - begin > heldAfter) delay = firstDelay;
      const worked = new Promise<void>((resolve) => {
        this.#onWorked = resolve;
      });
      await this.#wait(delay, signal);
      if (why instanceof ProxyError && !passing.has(why.code)) await unlessAborted(worked, signal);
    }
  }

  /** Listens until the stream ends. It outlives the effort that it is part of, until another stream is there. */
  async #listen(filter: JsonObject, signal: Signal, onOpen: (honoured: JsonObject) => void): Promise<End> {
    const stream = new Cancellation();
    let honoured: JsonObject | undefined;
    const stop = (): void => {
      if (this.#heard !== stream) stream.abort(signal.reason);
    };
    const onMessage: OnMessage = (message) => {
      if (message.method === 'notifications/subscriptions/acknowledged') {
        if (stream.signal.aborted || honoured !== undefined) return undefined;
        honoured = objectOf(message.params['notifications']);
        this.#heard?.abort();
        this.#heard = stream;
        onOpen(honoured);
        return undefined;
      }
      if (this.#heard !== stream || message.kind !== 'notification') return undefined;
      return this.#context.onMessage(anonymous(message));
    };
    signal.addEventListener('abort', stop);
    try {
      signal.throwIfAborted();
      const { error } = await this.#context.listen(filter, { signal: stream.signal, onMessage });
      if (error !== undefined) {
        const isFinal = error.code === methodNotFound || error.code === invalidParams;
        return { why: new NotReported(error.message), isFinal };
      }
      // A server that acknowledges nothing, or says at once that this is all, would say so again.
      const isFinal = honoured === undefined || Object.keys(honoured).length === 0;
      return { why: new NotReported('it has ended the stream'), isFinal };
    } catch (error) {
      return { why: error, isFinal: false };
    } finally {
      signal.removeEventListener('abort', stop);
      if (this.#heard === stream) this.#heard = undefined;
    }
  }
}

/** A notification without the name of the subscription that it came by. */
function anonymous(message: Message): Message {
  const { json } = message;
  const params = objectOf(json['params']);
  const plain = withoutMeta(params, subscriptionKey);
  return plain === params ? message : Message.of({ ...json, params: plain });
}
