/**
 * Lets a number of requests go at once, the others in their order when one of those is done; and tells when so many bytes
 * wait that nobody should bring more.
 */
export class Slots {
  readonly #mostBytes: number;
  readonly #events: { onFull: () => void; onRoom: () => void };
  readonly #queue: (() => void)[] = [];
  #free: number;
  #bytes = 0;
  #isFull = false;

  /** @param mostBytes above this `onFull` is called, below half of it `onRoom` */
  constructor(most: number, mostBytes: number, events: { onFull: () => void; onRoom: () => void }) {
    this.#free = most;
    this.#mostBytes = mostBytes;
    this.#events = events;
  }

  /**
   * Waits for a slot.
   *
   * @param bytes the size of what waits
   * @returns gives the slot back
   */
  async take(bytes: number): Promise<() => void> {
    // What belongs to a request besides its bytes.
    const cost = bytes + 1_024;
    this.#count(cost);
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    return () => {
      this.#count(-cost);
      const next = this.#queue.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#isFull && this.#bytes > this.#mostBytes) {
      this.#isFull = true;
      this.#events.onFull();
    } else if (this.#isFull && this.#bytes < this.#mostBytes / 2) {
      this.#isFull = false;
      this.#events.onRoom();
    }
  }
}
