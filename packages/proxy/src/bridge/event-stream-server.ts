import { Cancellation, type Signal } from '../cancellation.ts';
import type { Log } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import { errors } from '../errors.ts';
import { isEventStream, refusalError, refusalOf } from '../http/answer.ts';
import { chunksOf, discard } from '../http/body.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { EventStreamParser } from '../http/event-stream.ts';
import type { HttpResponse } from '../http/exchange.ts';
import { ConnectionLost } from '../http/failures.ts';
import { Message, UnreadableMessage, type RequestId } from './message.ts';
import { postHeaders } from './posting.ts';
import { mayRepeat } from './repetition.ts';
import { HostCancelled, type OnMessage, type RequestContext, type ServerSide } from './server-side.ts';

/** How long the server may take to say where messages are posted to. */
const addressWithin = 30_000;

/** The one stream on which everything comes from the server. */
interface Stream {
  /** Where messages are posted to. */
  readonly address: URL;
  readonly waiting: Map<RequestId, { answer: (answer: Message) => void; lose: (error: Error) => void }>;
}

/**
 * A server of 2024-11-05 (HTTP with SSE): one stream brings all that it says, beginning with the address that messages are
 * posted to. The stream is the session: when it is cut, the next request opens another one and begins anew.
 */
export class EventStreamServer implements ServerSide {
  readonly #endpoint: Endpoint;
  readonly #onMessage: OnMessage;
  readonly #log: Log;
  readonly #end = new Cancellation();
  #stream: Promise<Stream> | undefined;
  /** What the host began with, said again on a new stream. */
  #initialize: Message | undefined;
  #initialized: Message | undefined;

  constructor(endpoint: Endpoint, onMessage: OnMessage, log: Log) {
    this.#endpoint = endpoint;
    this.#onMessage = onMessage;
    this.#log = log;
  }

  /** Opens the stream, to see whether the server has one. @throws ProxyError */
  async open(): Promise<void> {
    await this.#opened();
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    if (message.method === 'initialize') this.#initialize = message;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(message, await this.#opened(), context.signal);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (attempt === 2 || !mayRepeat(message.method)) throw errors.answerLost(this.#endpoint.url);
      }
    }
  }

  async notify(message: Message): Promise<void> {
    if (message.method === 'notifications/initialized') this.#initialized = message;
    await this.#post(message, await this.#opened(), this.#end.signal);
  }

  close(): Promise<void> {
    this.#end.abort(errors.shuttingDown());
    return Promise.resolve();
  }

  /** Posts a request and waits for its answer on the stream. */
  async #ask(message: Message, stream: Stream, signal: Signal): Promise<Message> {
    signal.throwIfAborted();
    const id = message.id ?? '';
    let onAbort = (): void => undefined;
    const answer = new Promise<Message>((resolve, reject) => {
      stream.waiting.set(id, { answer: resolve, lose: reject });
      onAbort = () => {
        reject(signal.reason);
        if (signal.reason instanceof HostCancelled) this.#tell(signal.reason.notification, stream);
      };
      signal.addEventListener('abort', onAbort);
    });
    try {
      const posted = this.#post(message, stream, this.#end.signal).then(() => answer);
      return await Promise.race([answer, posted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      stream.waiting.delete(id);
    }
  }

  #tell(notification: Message, stream: Stream): void {
    this.#post(notification, stream, this.#end.signal).catch((error: unknown) => {
      this.#log.debug('the server could not be told of a cancelled request', { error: String(error) });
    });
  }

  async #post(message: Message, { address }: Stream, signal: Signal): Promise<void> {
    const request = { method: 'POST' as const, url: address, headers: postHeaders({}), body: message.bytes };
    const response = await this.#endpoint.send({ ...request, signal });
    const refusal = await refusalOf(response);
    if (refusal !== undefined) throw refusalError(this.#endpoint.url, refusal);
    discard(response);
  }

  /** The stream, opened when there is none; a host that has begun before is announced on it again. */
  #opened(): Promise<Stream> {
    this.#stream ??= this.#open().catch((error: unknown) => {
      this.#stream = undefined;
      throw error;
    });
    return this.#stream;
  }

  async #open(): Promise<Stream> {
    const { url } = this.#endpoint;
    const headers = { accept: 'text/event-stream' };
    const response = await this.#endpoint.send({ method: 'GET', headers, signal: this.#end.signal });
    const refusal = await refusalOf(response);
    if (refusal !== undefined) throw refusalError(url, refusal);
    if (!isEventStream(response)) {
      discard(response);
      throw errors.serverAnswerUnusable(url, 'it has no stream of events (2024-11-05)');
    }
    const waiting: Stream['waiting'] = new Map();
    const found = new Promise<URL>((resolve, reject) => {
      void this.#read(response, waiting, resolve).then(() => {
        const lost = new ConnectionLost('the stream of events has ended');
        this.#stream = undefined;
        reject(lost);
        for (const { lose } of waiting.values()) lose(lost);
      });
    });
    const address = await withDeadline(found, {
      milliseconds: addressWithin,
      error: (milliseconds) => errors.serverSilent(url, milliseconds),
    });
    if (address.origin !== url.origin) throw errors.serverRedirected(url);
    const stream = { address, waiting };
    await this.#beginAgain(stream);
    return stream;
  }

  /** On a stream that replaces another one. */
  async #beginAgain(stream: Stream): Promise<void> {
    if (this.#initialize === undefined || this.#initialized === undefined) return;
    await this.#ask(this.#initialize, stream, this.#end.signal);
    await this.#post(this.#initialized, stream, this.#end.signal);
  }

  /** Reads the stream to its end. Never throws. */
  async #read(
    response: HttpResponse,
    waiting: Stream['waiting'],
    onAddress: (address: URL) => void,
  ): Promise<void> {
    const parser = new EventStreamParser();
    try {
      for await (const chunk of chunksOf(response)) {
        for (const { type, data } of parser.feed(chunk)) {
          if (type === 'endpoint') onAddress(new URL(data.toString('utf8'), this.#endpoint.url));
          else if (type === 'message') await this.#take(data, waiting);
        }
      }
    } catch (error) {
      this.#log.debug('the stream of events has ended', { error: String(error) });
    }
  }

  async #take(data: Buffer, waiting: Stream['waiting']): Promise<void> {
    try {
      for (const message of Message.parse(data)) {
        const asked =
          message.kind !== 'response' || message.id === undefined ? undefined : waiting.get(message.id);
        if (message.kind !== 'response') await this.#onMessage(message);
        else if (asked === undefined) this.#log.debug('an answer that nobody waits for was dropped');
        else asked.answer(message);
      }
    } catch (error) {
      if (!(error instanceof UnreadableMessage)) throw error;
      this.#log.debug('an event is no message', { error: error.message });
    }
  }
}
