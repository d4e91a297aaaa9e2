import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors, ProxyError } from '../errors.ts';
import { nameFor, type StateFolder } from '../state-folder.ts';
import { KeychainItem, type OpenCell } from './keychain-item.ts';
import { openKeychain } from './keychain-cell.ts';
import { itemLimit, keychainPlace } from './keychain.ts';
import type { StoreSettings } from './open-token-store.ts';
import { SealedFiles } from './sealed-files.ts';

/** A secret as it is listed, without its value. */
export interface SecretEntry {
  readonly name: string;
  /** Where it is kept. */
  readonly store: 'keychain' | 'file';
}

/** Texts by account: what the keychain and the files have in common. */
interface Texts {
  readonly place: string;
  readonly kind: SecretEntry['store'];
  read(account: string): Promise<string | undefined>;
  write(account: string, text: string): Promise<void>;
  remove(account: string): Promise<boolean>;
}

/** Named secrets, such as API keys for headers. Errors are ProxyErrors; an error never means "there is none". */
export class SecretStore {
  readonly #texts: Texts;
  readonly #index: SecretIndex;

  constructor(texts: Texts, index: SecretIndex) {
    this.#texts = texts;
    this.#index = index;
  }

  /** Where the secrets are, in words that complete "kept in …". */
  get place(): string {
    return this.#texts.place;
  }

  get kind(): SecretEntry['store'] {
    return this.#texts.kind;
  }

  /** The secret, or undefined when the store, in good health, has none. */
  async load(name: string): Promise<string | undefined> {
    let text: string | undefined;
    try {
      text = await this.#texts.read(accountOf(name));
      return text === undefined ? undefined : parse(text);
    } catch (error) {
      if (error instanceof ProxyError) throw error;
      throw errors.secretUnreadable(name, messageOf(error), error);
    }
  }

  /** Returns when the secret has been read back and is the same. */
  async save(name: string, secret: string): Promise<void> {
    await this.#texts.write(accountOf(name), JSON.stringify({ keyhole: 1, secret }));
    if ((await this.load(name)) !== secret) {
      throw errors.keychainFailed('keep the secret', 'what was written does not come back');
    }
    await this.#index.change(name, [{ name, store: this.kind }]);
  }

  /** Whether there was one. */
  async delete(name: string): Promise<boolean> {
    const removed = await this.#texts.remove(accountOf(name));
    await this.#index.change(name, []);
    return removed;
  }
}

/** Opens files for `file`, the keychain otherwise: a secret in memory would be gone at once. */
export async function openSecretStore(
  { tokenStore, environment }: StoreSettings,
  folder: StateFolder,
): Promise<SecretStore> {
  const index = new SecretIndex(folder);
  if (tokenStore !== 'file') return new SecretStore(keychainTexts(await openKeychain()), index);
  return new SecretStore(fileTexts(new SealedFiles(folder, environment['MCP_KEYHOLE_PASSPHRASE'])), index);
}

/** Texts in the operating system's keychain. */
export function keychainTexts(openCell: OpenCell): Texts {
  const item = (account: string): KeychainItem => new KeychainItem(openCell, account, itemLimit);
  return {
    place: keychainPlace,
    kind: 'keychain',
    read: (account) => item(account).read(),
    write: (account, text) => item(account).write(text),
    remove: (account) => item(account).remove(),
  };
}

function fileTexts(files: SealedFiles): Texts {
  const fileOf = (account: string): string => `${nameFor('secret', account)}.json`;
  return {
    place: files.place,
    kind: 'file',
    read: (account) => files.read(fileOf(account), account),
    write: (account, text) => files.write(fileOf(account), text),
    remove: (account) => files.remove(fileOf(account)),
  };
}

/** The name of an item as people see it in their keychain's program. */
function accountOf(name: string): string {
  return `secret ${name}`;
}

/** @throws Error saying what is wrong, without quoting the text */
function parse(text: string): string {
  let content: { keyhole?: unknown; secret?: unknown } | null;
  try {
    content = JSON.parse(text) as typeof content;
  } catch {
    throw new Error('it is not JSON');
  }
  if (content?.keyhole !== 1 || typeof content.secret !== 'string') throw new Error('its format is unknown');
  return content.secret;
}

const fileName = 'secrets.json';

/** Which secrets there are, without their values: keychains cannot be listed dependably. Losing it loses no secret. */
export class SecretIndex {
  readonly #folder: StateFolder;

  constructor(folder: StateFolder) {
    this.#folder = folder;
  }

  async list(): Promise<readonly SecretEntry[]> {
    const text = await this.#folder.read(fileName);
    try {
      const content = JSON.parse(text ?? '') as { secrets?: unknown } | null;
      return Array.isArray(content?.secrets) ? content.secrets.filter(isEntry) : [];
    } catch {
      return [];
    }
  }

  /** Puts `replacement` in the place of the entries of that name. */
  async change(name: string, replacement: readonly SecretEntry[]): Promise<void> {
    await this.#folder.locked('secrets', async () => {
      const others = (await this.list()).filter((entry) => entry.name !== name);
      const secrets = [...others, ...replacement].sort((a, b) => a.name.localeCompare(b.name));
      await this.#folder.write(fileName, `${JSON.stringify({ version: 1, secrets }, undefined, 2)}\n`);
    });
  }
}

function isEntry(value: unknown): value is SecretEntry {
  const entry = value as Partial<Record<keyof SecretEntry, unknown>> | null;
  return typeof entry?.name === 'string' && (entry.store === 'keychain' || entry.store === 'file');
}
