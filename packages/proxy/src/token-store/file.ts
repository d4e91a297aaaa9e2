import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from '../errors.ts';
import { nameFor, type StateFolder } from '../state-folder.ts';
import type { SignInIndex } from './index-file.ts';
import { SealedFiles } from './sealed-files.ts';
import { parseTokenSet, serializeTokenSet } from './token-set-format.ts';
import {
  accountOf,
  type SignInEntry,
  type SignInKey,
  type TokenSet,
  type TokenStore,
} from './token-store.ts';

/**
 * Token sets in files of the state folder (0600 in a folder of 0700), for machines without a keychain and for users who
 * choose it. With a passphrase they are encrypted; without one whoever can read the user's files can read them.
 */
export class FileTokenStore implements TokenStore {
  readonly place: string;
  readonly kind = 'file';
  readonly #files: SealedFiles;
  readonly #index: SignInIndex;

  constructor(folder: StateFolder, index: SignInIndex, passphrase: string | undefined) {
    this.#files = new SealedFiles(folder, passphrase);
    this.#index = index;
    this.place = this.#files.place;
  }

  async load(key: SignInKey): Promise<TokenSet | undefined> {
    // Which sign-in it is must be readable, and the passphrase right, before anybody is asked to sign in again.
    const text = await this.#files.read(fileOf(key), accountOf(key));
    if (text === undefined) return undefined;
    try {
      return parseTokenSet(text);
    } catch (error) {
      throw errors.signInUnreadable(accountOf(key), messageOf(error), error);
    }
  }

  async save(key: SignInKey, tokens: TokenSet): Promise<void> {
    await this.#files.write(fileOf(key), serializeTokenSet(tokens));
    await this.#index.put({ ...key, issuer: tokens.issuer, store: this.kind });
  }

  async delete(key: SignInKey): Promise<boolean> {
    const existed = await this.#files.remove(fileOf(key));
    await this.#index.remove(key);
    return existed;
  }

  list(): Promise<readonly SignInEntry[]> {
    return this.#index.list();
  }
}

function fileOf(key: SignInKey): string {
  return `${nameFor('tokens', accountOf(key))}.json`;
}
