import { StringDecoder } from 'node:string_decoder';
import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { messageOf } from '@mcp-keyhole/cli-kit';

/** A line of stdin that is no JSON-RPC message, and why. */
export class UnreadableLine extends Error {}

/**
 * The host's side: one JSON-RPC message a line. Lines of any length; a line that cannot be read goes to `onerror` and
 * the next one is read.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #decoder = new StringDecoder('utf8');
  /** The pieces of a line whose end has not come yet. */
  #pieces: string[] = [];
  #closed = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  start(): Promise<void> {
    this.#input.on('data', this.#onData);
    this.#input.once('end', this.#onEnd);
    this.#input.once('close', this.#onEnd);
    this.#input.once('error', this.#onEnd);
    // A host that went away: nobody is left to answer.
    this.#output.once('error', this.#onEnd);
    return Promise.resolve();
  }

  /** Resolves when the message was handed over, after waiting for a slow reader. */
  send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error('the host has gone'));
        return;
      }
      this.#output.write(`${JSON.stringify(message)}\n`, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#input.off('data', this.#onData);
    this.#input.pause();
    this.onclose?.();
    return Promise.resolve();
  }

  readonly #onEnd = (): void => {
    void this.close();
  };

  readonly #onData = (chunk: Buffer): void => {
    const lines = this.#decoder.write(chunk).split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#read(this.#pieces.length === 0 ? line : `${this.#pieces.join('')}${line}`);
      this.#pieces = [];
    }
    if (rest !== '') this.#pieces.push(rest);
  };

  #read(line: string): void {
    if (this.#closed || line.trim() === '') return;
    let message: unknown;
    try {
      message = JSON.parse(line);
    } catch (error) {
      this.onerror?.(new UnreadableLine(messageOf(error)));
      return;
    }
    if (isMessage(message)) this.onmessage?.(message);
    else this.onerror?.(new UnreadableLine('it is no JSON-RPC 2.0 message'));
  }
}

function isMessage(value: unknown): value is JSONRPCMessage {
  if (typeof value !== 'object' || value === null) return false;
  const message = value as Record<string, unknown>;
  return message['jsonrpc'] === '2.0' && (typeof message['method'] === 'string' || 'id' in message);
}
