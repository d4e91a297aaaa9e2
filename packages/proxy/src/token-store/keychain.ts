import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors, ProxyError } from '../errors.ts';
import type { SignInIndex } from './index-file.ts';
import { KeychainItem, type OpenCell } from './keychain-item.ts';
import { parseTokenSet, serializeTokenSet } from './token-set-format.ts';
import {
  accountOf,
  type SignInEntry,
  type SignInKey,
  type TokenSet,
  type TokenStore,
} from './token-store.ts';

/** Windows Credential Manager holds 2,560 bytes an item; the other platforms take 100 KB and more. */
export const itemLimit = process.platform === 'win32' ? 2_400 : Number.MAX_SAFE_INTEGER;

const keychainNames: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'macOS Keychain',
  win32: 'Windows Credential Manager',
};

/** The keychain in words that complete "kept in …". */
export const keychainPlace = `the keychain (${keychainNames[process.platform] ?? 'Secret Service'})`;

/** Token sets in the operating system's keychain, one item a sign-in, with an index beside it for `status`. */
export class KeychainTokenStore implements TokenStore {
  readonly place: string = keychainPlace;
  readonly kind = 'keychain';
  readonly #openCell: OpenCell;
  readonly #index: SignInIndex;
  readonly #limit: number;

  constructor(openCell: OpenCell, index: SignInIndex, limit: number = itemLimit) {
    this.#openCell = openCell;
    this.#index = index;
    this.#limit = limit;
  }

  async load(key: SignInKey): Promise<TokenSet | undefined> {
    const text = await this.#read(key);
    if (text === undefined) return undefined;
    try {
      return parseTokenSet(text);
    } catch (error) {
      throw errors.signInUnreadable(accountOf(key), messageOf(error), error);
    }
  }

  async save(key: SignInKey, tokens: TokenSet): Promise<void> {
    const text = serializeTokenSet(tokens);
    await this.#item(key).write(text);
    // Some keychains take a secret and lose it; only reading it back proves that it is kept.
    if ((await this.#read(key)) !== text) {
      throw errors.keychainFailed('keep the sign-in', 'what was written does not come back');
    }
    await this.#index.put({ ...key, issuer: tokens.issuer, store: this.kind });
  }

  async delete(key: SignInKey): Promise<boolean> {
    const removed = await this.#item(key).remove();
    await this.#index.remove(key);
    return removed;
  }

  list(): Promise<readonly SignInEntry[]> {
    return this.#index.list();
  }

  async #read(key: SignInKey): Promise<string | undefined> {
    try {
      return await this.#item(key).read();
    } catch (error) {
      if (error instanceof ProxyError) throw error;
      throw errors.signInUnreadable(accountOf(key), messageOf(error), error);
    }
  }

  #item(key: SignInKey): KeychainItem {
    return new KeychainItem(this.#openCell, accountOf(key), this.#limit);
  }
}
