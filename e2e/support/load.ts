/** Tasks done in order, some at once, and the moments at which so many of them are done. */
export class Load {
  readonly #tasks: Iterator<() => Promise<void>>;
  readonly #concurrency: number;
  readonly #milestones = new Map<number, () => void>();
  #done = 0;

  constructor(tasks: readonly (() => Promise<void>)[], concurrency: number) {
    this.#tasks = tasks[Symbol.iterator]();
    this.#concurrency = concurrency;
  }

  /** Settles when so many tasks are done. */
  async reached(count: number): Promise<void> {
    if (this.#done >= count) return;
    await new Promise<void>((resolve) => this.#milestones.set(count, resolve));
  }

  /** Does them all. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#concurrency }, async () => this.#work()));
  }

  async #work(): Promise<void> {
    for (let next = this.#tasks.next(); next.done !== true; next = this.#tasks.next()) {
      await next.value();
      this.#done += 1;
      this.#milestones.get(this.#done)?.();
    }
  }
}

/** Shuffles in place (Fisher and Yates). @param random from 0 up to 1 */
export function shuffle<Item>(items: Item[], random: () => number): Item[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other] as Item, items[last] as Item];
  }
  return items;
}
