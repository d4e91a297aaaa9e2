/** What is kept of a revocation, in seconds since the epoch: see {@link Revocations}. */
export interface Revocation {
  readonly before: number;
  readonly until: number;
}

/** The revocations that this node knows, each until the last token that it concerns has expired. */
export class KnownRevocations {
  readonly #bySubject = new Map<string, Revocation>();
  readonly #watchers = new Set<(subject: string) => void>();
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Adds a revocation; of two of one subject the later bounds count. Watchers hear of it when it says something new. */
  record(subject: string, { before, until }: Revocation): void {
    this.#forgetExpired();
    const known = this.#bySubject.get(subject);
    const merged = {
      before: Math.max(Math.floor(before), known?.before ?? 0),
      until: Math.max(Math.ceil(until), known?.until ?? 0),
    };
    // The store may still hold what is over.
    if (this.#isExpired(merged)) return;
    if (merged.before === known?.before && merged.until === known.until) return;
    this.#bySubject.set(subject, merged);
    for (const watcher of this.#watchers) watcher(subject);
  }

  /** @returns what ends it */
  watch(watcher: (subject: string) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  covers(subject: string, issuedAt: number): boolean {
    // Asked for each request, and mostly there are none.
    if (this.#bySubject.size === 0) return false;
    const known = this.#bySubject.get(subject);
    return known !== undefined && issuedAt <= known.before && !this.#isExpired(known);
  }

  entries(): [subject: string, revocation: Revocation][] {
    this.#forgetExpired();
    return [...this.#bySubject];
  }

  #forgetExpired(): void {
    for (const [subject, revocation] of this.#bySubject) {
      if (this.#isExpired(revocation)) this.#bySubject.delete(subject);
    }
  }

  #isExpired({ until }: Revocation): boolean {
    return until * 1_000 < this.#now();
  }
}
