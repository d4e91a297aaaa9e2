import {
  accountOf,
  type SignInEntry,
  type SignInKey,
  type TokenSet,
  type TokenStore,
} from './token-store.ts';

/** Token sets that live as long as the process. */
export class MemoryTokenStore implements TokenStore {
  readonly place = 'memory, until this process ends';
  readonly kind = 'memory';
  readonly #items = new Map<string, { key: SignInKey; tokens: TokenSet }>();

  load(key: SignInKey): Promise<TokenSet | undefined> {
    return Promise.resolve(this.#items.get(accountOf(key))?.tokens);
  }

  save(key: SignInKey, tokens: TokenSet): Promise<void> {
    this.#items.set(accountOf(key), { key, tokens });
    return Promise.resolve();
  }

  delete(key: SignInKey): Promise<boolean> {
    return Promise.resolve(this.#items.delete(accountOf(key)));
  }

  list(): Promise<readonly SignInEntry[]> {
    return Promise.resolve(
      [...this.#items.values()].map(({ key, tokens }) => ({
        ...key,
        issuer: tokens.issuer,
        store: this.kind,
      })),
    );
  }
}
