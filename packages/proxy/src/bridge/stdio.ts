import type { Readable, Writable } from 'node:stream';
import { Message, type UnreadableMessage } from './message.ts';

/** The host's end of a bridge. */
export interface HostEnd {
  /** Called with each message, in order. */
  onMessage?: (message: Message) => void;
  /** Called with what is no message; the next one is read. */
  onUnreadable?: (error: UnreadableMessage) => void;
  /** Called once, when the host has gone. */
  onClose?: () => void;
  start(): void;
  /** Resolves when the host has taken the message; rejects when it has gone. */
  send(message: Message): Promise<void>;
  /** Takes no more messages until {@link resume}. */
  pause(): void;
  resume(): void;
  close(): void;
}

const lineFeed = 0x0a;
const newLine = Buffer.of(lineFeed);
/** Larger messages are written as they are, with the line break behind them; a copy is cheaper for small ones. */
const largestCopy = 1 << 16;

/** stdin and stdout: one JSON-RPC message a line, of any length. */
export class StdioHost implements HostEnd {
  onMessage?: (message: Message) => void;
  onUnreadable?: (error: UnreadableMessage) => void;
  onClose?: () => void;
  readonly #input: Readable;
  readonly #output: Writable;
  /** The pieces of a line whose end has not come yet. */
  #pieces: Buffer[] = [];
  #closed = false;
  #isGathering = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  start(): void {
    this.#input.on('data', this.#onData);
    for (const event of ['end', 'close', 'error']) this.#input.once(event, this.#onEnd);
    // A host that went away: nobody is left to answer.
    this.#output.on('error', this.#onEnd);
  }

  send({ bytes }: Message): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('the host has gone'));
        return;
      }
      const done = (error?: Error | null): void => {
        if (error) reject(error);
        else resolve();
      };
      if (bytes.length <= largestCopy) {
        this.#output.write(Buffer.concat([bytes, newLine]), done);
      } else {
        this.#output.write(bytes);
        this.#output.write(newLine, done);
      }
      this.#gather();
    });
  }

  /**
   * A message leaves at once. What comes right behind it leaves in one write: a pipe takes a system call each, and wakes the
   * host each time.
   */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#output.cork();
    setImmediate(() => {
      this.#isGathering = false;
      this.#output.uncork();
    });
  }

  pause(): void {
    this.#input.pause();
  }

  resume(): void {
    if (!this.#closed) this.#input.resume();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.off('data', this.#onData);
    this.#input.pause();
    this.onClose?.();
  }

  readonly #onEnd = (): void => {
    this.close();
  };

  readonly #onData = (chunk: Buffer): void => {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      const line = chunk.subarray(from, end);
      from = end + 1;
      this.#read(this.#pieces.length === 0 ? line : Buffer.concat([...this.#pieces, line]));
      this.#pieces = [];
    }
    if (from < chunk.length) this.#pieces.push(chunk.subarray(from));
  };

  #read(line: Buffer): void {
    if (this.#closed || isBlank(line)) return;
    for (const message of Message.parseEach(line)) {
      if (message instanceof Message) this.onMessage?.(message);
      else this.onUnreadable?.(message);
    }
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
