import { once, EventEmitter } from 'node:events';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** A message as it passed the end of the host's transport. */
export interface Recorded {
  readonly from: 'host' | 'server';
  readonly message: JSONRPCMessage;
}

/** Everything that a host sent and received, in its order. */
export class Recording {
  readonly all: Recorded[] = [];
  readonly #news = new EventEmitter();

  add(recorded: Recorded): void {
    this.all.push(recorded);
    this.#news.emit('message');
  }

  /**
   * Waits for a message of the server's.
   *
   * @param since how many messages there were before it
   * @throws Error when it does not come within ten seconds
   */
  async receives(what: string, matches: (message: JSONRPCMessage) => boolean, since = 0): Promise<void> {
    const deadline = AbortSignal.timeout(10_000);
    while (!this.all.slice(since).some(({ from, message }) => from === 'server' && matches(message))) {
      await once(this.#news, 'message', { signal: deadline }).catch(() => {
        throw new Error(`${what} has not come.`);
      });
    }
  }
}

/** A host's transport that records. */
export class RecordedTransport implements Transport {
  onmessage?: Transport['onmessage'];
  onclose?: Transport['onclose'];
  onerror?: Transport['onerror'];
  readonly #inner: Transport;
  readonly #recording: Recording;

  constructor(inner: Transport, recording: Recording) {
    this.#inner = inner;
    this.#recording = recording;
    inner.onmessage = (message, extra) => {
      recording.add({ from: 'server', message });
      this.onmessage?.(message, extra);
    };
    inner.onclose = () => this.onclose?.();
    inner.onerror = (error) => this.onerror?.(error);
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  send(message: JSONRPCMessage, options?: Parameters<Transport['send']>[1]): Promise<void> {
    this.#recording.add({ from: 'host', message });
    return this.#inner.send(message, options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  setProtocolVersion(version: string): void {
    this.#inner.setProtocolVersion?.(version);
  }
}
