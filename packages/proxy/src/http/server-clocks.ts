/** In milliseconds. Less is the way that an answer took. */
const leastDifference = 5_000;

/** How far the clocks of servers are from ours, as far as their answers say (RFC 9110, section 6.6.1). */
export class ServerClocks {
  readonly #now: () => number;
  readonly #ahead = new Map<string, number>();

  /** @param now milliseconds since the epoch */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes the `Date` of an answer that has just come; one out of a cache, which has an `Age`, says nothing. */
  note(url: URL, headers: { readonly date?: string | undefined; readonly age?: string | undefined }): void {
    const date = Date.parse(headers.date ?? '');
    if (Number.isNaN(date) || headers.age !== undefined) return;
    const difference = date - this.#now();
    const before = this.ahead(url);
    if (Math.abs(difference - before) < leastDifference) return;
    this.#ahead.set(url.origin, Math.abs(difference) < leastDifference ? 0 : difference);
  }

  /** Milliseconds; the same number for as long as nothing says that it is another. */
  ahead(url: URL): number {
    return this.#ahead.get(url.origin) ?? 0;
  }

  /** What the server's clock shows: whole seconds since the epoch. */
  seconds(url: URL): number {
    return Math.floor((this.#now() + this.ahead(url)) / 1_000);
  }
}
