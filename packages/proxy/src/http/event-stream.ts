/** One event of a stream. */
export interface ServerSentEvent {
  /** The `event` field; `message` when there is none. */
  readonly type: string;
  readonly data: Buffer;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const colon = 0x3a;
const space = 0x20;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);
const empty = Buffer.alloc(0);

/**
 * Reads a `text/event-stream` (WHATWG HTML, section 9.2.6) from bytes: linear in their number however they are cut, and
 * without a copy of what came in one piece. An event that the stream ends in the middle of is not one.
 */
export class EventStreamParser {
  /** The `id` of the last event that was complete; with it a stream is resumed. */
  lastEventId: string | undefined;
  /** Milliseconds to wait before a stream is opened again, where the server says so. */
  retry: number | undefined;
  #pieces: Buffer[] = [];
  #afterCarriageReturn = false;
  #atStart = true;
  #data: Buffer[] = [];
  #type = '';
  #id: string | undefined;

  /** The events that this chunk completes. */
  feed(chunk: Buffer): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    let from = 0;
    let nextReturn = chunk.indexOf(carriageReturn);
    while (from < chunk.length) {
      if (this.#afterCarriageReturn) {
        this.#afterCarriageReturn = false;
        if (chunk[from] === lineFeed) {
          from += 1;
          continue;
        }
      }
      const nextFeed = chunk.indexOf(lineFeed, from);
      if (nextReturn >= 0 && nextReturn < from) nextReturn = chunk.indexOf(carriageReturn, from);
      const end = nextReturn >= 0 && (nextFeed < 0 || nextReturn < nextFeed) ? nextReturn : nextFeed;
      if (end < 0) {
        this.#pieces.push(chunk.subarray(from));
        break;
      }
      this.#afterCarriageReturn = chunk[end] === carriageReturn;
      const event = this.#readLine(this.#wholeLine(chunk.subarray(from, end)));
      if (event !== undefined) events.push(event);
      from = end + 1;
    }
    return events;
  }

  #wholeLine(end: Buffer): Buffer {
    let line = end;
    if (this.#pieces.length > 0) {
      line = Buffer.concat([...this.#pieces, end]);
      this.#pieces = [];
    }
    if (!this.#atStart) return line;
    this.#atStart = false;
    return line.subarray(0, 3).equals(byteOrderMark) ? line.subarray(3) : line;
  }

  #readLine(line: Buffer): ServerSentEvent | undefined {
    if (line.length === 0) return this.#dispatch();
    const at = line.indexOf(colon);
    const name = (at < 0 ? line : line.subarray(0, at)).toString('latin1');
    const from = line[at + 1] === space ? at + 2 : at + 1;
    const value = at < 0 ? empty : line.subarray(from);
    if (name === 'data') this.#data.push(value);
    else if (name === 'event') this.#type = value.toString('utf8');
    else if (name === 'id' && !value.includes(0)) this.#id = value.toString('utf8');
    else if (name === 'retry' && /^\d+$/u.test(value.toString('latin1')))
      this.retry = Number(value.toString('latin1'));
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const [first = empty, ...more] = this.#data;
    const event =
      this.#data.length === 0
        ? undefined
        : {
            type: this.#type === '' ? 'message' : this.#type,
            data: more.length === 0 ? first : joined(first, more),
          };
    this.lastEventId = this.#id ?? this.lastEventId;
    this.#data = [];
    this.#type = '';
    return event;
  }
}

function joined(first: Buffer, more: readonly Buffer[]): Buffer {
  return Buffer.concat([first, ...more.flatMap((line) => [Buffer.of(lineFeed), line])]);
}
