import type { AdapterPayload } from 'oidc-provider';

export interface Entry {
  readonly payload: AdapterPayload;
  /** Seconds since the epoch; undefined lives as long as the process. */
  readonly expiresAt: number | undefined;
}

const now = (): number => Math.floor(Date.now() / 1_000);

/** Records of the OAuth engine, by kind and id, each with its own end. */
export class EngineRecords {
  readonly #kinds = new Map<string, Map<string, Entry>>();
  /** Told of each record that was set, or, with undefined, deleted. */
  onChange: ((kind: string, id: string, entry: Entry | undefined) => void) | undefined;
  #writes = 0;

  set(kind: string, id: string, payload: AdapterPayload, lifetimeSeconds: number | undefined): void {
    const expiresAt = lifetimeSeconds === undefined ? undefined : now() + lifetimeSeconds;
    this.restore(kind, id, { payload, expiresAt });
    this.onChange?.(kind, id, { payload, expiresAt });
    this.#writes += 1;
    if (this.#writes % 1_000 === 0) this.#sweep();
  }

  get(kind: string, id: string): AdapterPayload | undefined {
    const entry = this.#kind(kind).get(id);
    return entry !== undefined && isLive(entry) ? entry.payload : undefined;
  }

  delete(kind: string, id: string): void {
    if (this.#kind(kind).delete(id)) this.onChange?.(kind, id, undefined);
  }

  /** Puts a record back as it was, expired or not. */
  restore(kind: string, id: string, entry: Entry): void {
    this.#kind(kind).set(id, entry);
  }

  /** Every live record of every kind. */
  *entries(): Generator<readonly [kind: string, id: string, entry: Entry]> {
    for (const [kind, entries] of this.#kinds) {
      for (const [id, entry] of entries) if (isLive(entry)) yield [kind, id, entry];
    }
  }

  /** Every live record of a kind with its id. */
  all(kind: string): (readonly [string, AdapterPayload])[] {
    return [...this.#kind(kind)]
      .filter(([, entry]) => isLive(entry))
      .map(([id, { payload }]) => [id, payload] as const);
  }

  #kind(kind: string): Map<string, Entry> {
    const found = this.#kinds.get(kind);
    if (found !== undefined) return found;
    const created = new Map<string, Entry>();
    this.#kinds.set(kind, created);
    return created;
  }

  #sweep(): void {
    for (const entries of this.#kinds.values()) {
      for (const [id, entry] of entries) if (!isLive(entry)) entries.delete(id);
    }
  }
}

function isLive(entry: Entry): boolean {
  return entry.expiresAt === undefined || entry.expiresAt > now();
}
