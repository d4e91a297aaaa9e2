import type { NetworkSettings } from '../network.ts';
import { ConnectionLost, NotSent } from './failures.ts';

const usualConnectTimeout = 10_000;
/** For the beginning of an answer, and for a pause in it. */
export const usualTimeout = 300_000;

/** The times of an exchange until its answer begins: connecting, and then waiting. */
export class Clock {
  readonly #settings: NetworkSettings;
  readonly #onLate: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onLate takes NotSent when connecting takes too long, ConnectionLost when the answer does */
  constructor(settings: NetworkSettings, onLate: (error: Error) => void) {
    this.#settings = settings;
    this.#onLate = onLate;
  }

  /** Begins with a connection that is not there yet. */
  connecting(): void {
    const { connectTimeout = usualConnectTimeout } = this.#settings;
    this.#timer = setTimeout(() => {
      this.#onLate(new NotSent(`connecting took longer than ${seconds(connectTimeout)}`));
    }, connectTimeout);
  }

  /** From now on the answer is waited for. */
  connected(): void {
    const { headersTimeout = usualTimeout } = this.#settings;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#onLate(new ConnectionLost(`no answer began within ${seconds(headersTimeout)}`));
    }, headersTimeout);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

export function seconds(milliseconds: number): string {
  return `${String(milliseconds / 1_000)} seconds`;
}
