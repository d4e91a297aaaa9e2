/** What the message road needs of an `AbortSignal`; every one of those is such a signal. */
export interface Signal {
  readonly aborted: boolean;
  /** Why; only to be looked at once it is aborted. */
  readonly reason: Error;
  /** @throws the reason, once it is aborted */
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * An `AbortController` and its signal, for what is made anew for each message: Node's own are event targets that the
 * garbage collector has to watch, and cost a request several times as much as anything else that the proxy does for it.
 * Any number may listen. A listener is called once, in order; one that comes after the end is not called.
 */
export class Cancellation implements Signal {
  readonly #listeners = new Set<() => void>();
  #aborted = false;
  #reason: Error | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): Error {
    return this.#reason ?? new Error('It is still waited for.');
  }

  /** What is handed to those who may not abort. */
  get signal(): Signal {
    return this;
  }

  /** Ends what listens. Only the first reason counts. */
  abort(reason: Error = new Error('Nobody waits for it any more.')): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.#aborted) this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
