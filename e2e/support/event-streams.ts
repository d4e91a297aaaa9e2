import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** A stream of events, which goes on in another response when the first one was cut. */
export class EventStream {
  readonly #name: string | undefined;
  readonly #events: string[] = [];
  #response: ServerResponse | undefined;
  #isFinished = false;

  /** @param name makes the stream resumable */
  constructor(response: ServerResponse, name?: string) {
    this.#name = name;
    this.#begin(response);
  }

  /** Sends a notification. */
  send(message: object): void {
    this.sendText(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  sendText(data: string): void {
    const id = this.#name === undefined ? '' : `id: ${this.#name}/${this.#events.length}\n`;
    const event = `${id}data: ${data}\n\n`;
    // One that cannot be resumed need not be kept.
    if (this.#name !== undefined) this.#events.push(event);
    this.#response?.write(event);
  }

  /** Sends an event without data, from which a stream can be resumed that has nothing to say yet. */
  prime(): void {
    this.sendText('');
  }

  /** Sends what a parser has to pass over. */
  sendComment(text: string): void {
    this.#response?.write(`: ${text}\n\n`);
  }

  /** Sends the answer and ends the stream. */
  finish(answer: string): void {
    this.#isFinished = true;
    this.sendText(answer);
    this.#response?.end();
  }

  /** Ends the response before the answer. */
  end(): void {
    this.#response?.end();
    this.#response = undefined;
  }

  /** Nothing more comes by this connection, which stays open. */
  fallSilent(): void {
    this.#response = undefined;
  }

  /** Ends the connection before the answer, and calls when that is done. */
  cut(onCut: () => void = () => undefined): void {
    const response = this.#response;
    this.#response = undefined;
    // What was written has to leave first, or the host never hears of the stream.
    response?.once('close', onCut).write(': cut here\n\n', () => response.destroy());
  }

  /** Goes on in a response to a request that names the last event it has. */
  resume(response: ServerResponse, last: number): void {
    this.#begin(response);
    for (const event of this.#events.slice(last + 1)) response.write(event);
    if (this.#isFinished) response.end();
  }

  #begin(response: ServerResponse): void {
    this.#response = response;
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    if (this.#name !== undefined) response.write('retry: 50\n\n');
  }
}

/** The streams of a server that can be resumed. */
export class EventStreams {
  readonly #streams = new Map<string, EventStream>();
  /** The server's own stream of each session that is listened to. */
  readonly own = new Set<EventStream>();
  readonly #events = new EventEmitter();
  #count = 0;

  /** Waits until some session is listened to. */
  async listened(): Promise<EventStream> {
    for (;;) {
      const [stream] = this.own;
      if (stream !== undefined) return stream;
      await once(this.#events, 'own');
    }
  }

  open(response: ServerResponse, isResumable: boolean): EventStream {
    this.#count += 1;
    const name = `stream-${this.#count}`;
    const stream = new EventStream(response, isResumable ? name : undefined);
    if (isResumable) this.#streams.set(name, stream);
    return stream;
  }

  /** Takes a GET: one of the streams again, or the server's own one. Whether there is such a stream. */
  attach(lastEventId: string | string[] | undefined, response: ServerResponse): boolean {
    if (lastEventId === undefined) {
      const stream = new EventStream(response);
      this.own.add(stream);
      this.#events.emit('own');
      response.once('close', () => this.own.delete(stream));
      return true;
    }
    const [name = '', last = ''] = String(lastEventId).split('/');
    const stream = this.#streams.get(name);
    stream?.resume(response, Number(last));
    return stream !== undefined;
  }

  forget(): void {
    this.#streams.clear();
  }
}
