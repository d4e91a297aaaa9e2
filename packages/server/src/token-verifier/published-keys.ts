import { createLocalJWKSet, type CryptoKey, type JWK } from 'jose';
import type { FusionAuth } from '../fusionauth.ts';

/** What is known about a key: `unpublished` was just looked up, `unknown` could not be. */
export type FoundKey =
  | { readonly state: 'published'; readonly key: (alg: string) => Promise<CryptoKey> }
  | { readonly state: 'unpublished' }
  | { readonly state: 'unknown'; readonly detail: string };

/** Milliseconds for which keys count without being looked at again: a key that was withdrawn is trusted no longer. */
const lifetime = 600_000;

/** Milliseconds between two looks for keys that are not known: a stranger may make up as many as he likes. */
const cooldown = 5_000;

/** The keys of one look. */
interface KeySet {
  readonly at: number;
  readonly ids: ReadonlySet<string>;
  readonly resolve: ReturnType<typeof createLocalJWKSet>;
}

/**
 * The keys that FusionAuth publishes. A new key is found when its first token comes: no restart, no schedule. While FusionAuth is
 * known not to answer, whoever has it asked again waits for that, and nobody else does.
 */
export class PublishedKeys {
  readonly #fusionAuth: FusionAuth;
  readonly #isPatient: boolean;
  #known: KeySet | undefined;
  /** Why the last look brought no keys. */
  #failure: string | undefined;
  #look: { readonly at: number; done: Promise<void> } | undefined;

  /** @param options.isPatient whether all wait for the next look after one that failed; false by default */
  constructor(fusionAuth: FusionAuth, options: { isPatient?: boolean } = {}) {
    this.#fusionAuth = fusionAuth;
    this.#isPatient = options.isPatient ?? false;
  }

  async find(kid: string | undefined): Promise<FoundKey> {
    const known = this.#keyOf(kid);
    if (known !== undefined) return known;
    const before = this.#known?.at;
    await this.#lookAgain();
    const found = this.#keyOf(kid);
    if (found !== undefined) return found;
    if (!this.#isFresh()) {
      return { state: 'unknown', detail: this.#failure ?? 'the keys have not been read yet' };
    }
    return this.#known?.at === before
      ? { state: 'unknown', detail: 'the keys were read a moment ago, without this one' }
      : { state: 'unpublished' };
  }

  /** Has the keys read anew for the next token, as soon as that is due. */
  forget(): void {
    this.#known = undefined;
    this.#look = undefined;
  }

  #keyOf(kid: string | undefined): FoundKey | undefined {
    if (!this.#isFresh()) return undefined;
    if (kid === undefined || this.#known?.ids.has(kid) !== true) return undefined;
    const { resolve } = this.#known;
    return { state: 'published', key: (alg) => resolve({ alg, kid }) };
  }

  #isFresh(): boolean {
    return this.#known !== undefined && performance.now() - this.#known.at < lifetime;
  }

  /** One look for all, and none while the last one was a moment ago. */
  async #lookAgain(): Promise<void> {
    if (this.#look === undefined || performance.now() - this.#look.at >= cooldown) {
      const look = { at: performance.now(), done: Promise.resolve() };
      this.#look = look;
      look.done = this.#read(() => this.#look === look);
    } else if (this.#failure !== undefined && !this.#isPatient) return;
    await this.#look.done;
  }

  /** @param counts false when the keys were to be forgotten meanwhile */
  async #read(counts: () => boolean): Promise<void> {
    const answer = await this.#fusionAuth.publicKeys();
    if (!counts()) return;
    const keys: unknown = answer.ok ? answer.value['keys'] : undefined;
    if (Array.isArray(keys)) {
      this.#known = keySetOf(keys);
      this.#failure = undefined;
    } else {
      this.#failure = answer.ok ? 'an answer that is not a JSON Web Key Set' : answer.detail;
    }
  }
}

function keySetOf(keys: readonly unknown[]): KeySet {
  const named = keys.filter(
    (key): key is JWK & { kid: string } =>
      typeof key === 'object' && key !== null && 'kid' in key && typeof key.kid === 'string',
  );
  return {
    at: performance.now(),
    ids: new Set(named.map(({ kid }) => kid)),
    resolve: createLocalJWKSet({ keys: named }),
  };
}
