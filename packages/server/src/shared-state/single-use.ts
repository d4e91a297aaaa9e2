import { SharedStateUnavailable, type SingleUse } from './shared-state.ts';

/** Uses that are remembered at most, in about 20 MB: a full memory refuses rather than forgets, which would admit a replay. */
const mostUses = 100_000;

/** The uses that this node knows of. */
export class MemorySingleUse implements SingleUse {
  /** When each may be forgotten, in milliseconds since the epoch, by and large the earliest first. */
  readonly #ends = new Map<string, number>();
  readonly #most: number;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(most = mostUses, now: () => number = Date.now) {
    this.#most = most;
    this.#now = now;
  }

  take(id: string, lifetime: number): Promise<boolean> {
    const now = this.#now();
    const end = this.#ends.get(id);
    if (end !== undefined && end > now) return Promise.resolve(false);
    this.#forgetUpTo(now);
    if (this.#ends.size >= this.#most) {
      return Promise.reject(new SharedStateUnavailable('there is no room to remember what was used'));
    }
    this.#ends.delete(id);
    this.#ends.set(id, now + lifetime);
    return Promise.resolve(true);
  }

  /** From the front only: lifetimes are much alike, so that what ended stands there, and a use costs next to nothing. */
  #forgetUpTo(now: number): void {
    for (const [id, end] of this.#ends) {
      if (end > now) return;
      this.#ends.delete(id);
    }
  }
}
