import type { StateFolder } from '../state-folder.ts';
import { accountOf, type SignInEntry, type SignInKey } from './token-store.ts';

const fileName = 'sign-ins.json';

/**
 * What is stored where, without secrets: keychains cannot be listed dependably (on Linux the call can hang for ever), so
 * a file says which items exist. Losing it loses no sign-in, only its line in `status`.
 */
export class SignInIndex {
  readonly #folder: StateFolder;

  constructor(folder: StateFolder) {
    this.#folder = folder;
  }

  async list(): Promise<readonly SignInEntry[]> {
    const text = await this.#folder.read(fileName);
    return text === undefined ? [] : parse(text);
  }

  async has(key: SignInKey): Promise<boolean> {
    return (await this.list()).some((entry) => accountOf(entry) === accountOf(key));
  }

  /** Adds or replaces an entry; writes only when something changes. */
  async put(entry: SignInEntry): Promise<void> {
    await this.#change(entry, [entry]);
  }

  async remove(key: SignInKey): Promise<void> {
    await this.#change(key, []);
  }

  async #change(key: SignInKey, replacement: readonly SignInEntry[]): Promise<void> {
    await this.#folder.locked('sign-ins', async () => {
      const before = await this.list();
      const others = before.filter((entry) => accountOf(entry) !== accountOf(key));
      const after = [...others, ...replacement].sort((a, b) => accountOf(a).localeCompare(accountOf(b)));
      if (JSON.stringify(after) === JSON.stringify(before)) return;
      await this.#folder.write(fileName, `${JSON.stringify({ version: 1, signIns: after }, undefined, 2)}\n`);
    });
  }
}

/** A file that is not ours, or broken, counts as empty: it is only an index and is written anew with the next sign-in. */
function parse(text: string): readonly SignInEntry[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return [];
  }
  const signIns = (content as { signIns?: unknown } | null)?.signIns;
  return Array.isArray(signIns)
    ? signIns
        .filter(isEntry)
        .map(({ server, clientId, profile, issuer, store }) => ({ server, clientId, profile, issuer, store }))
    : [];
}

function isEntry(value: unknown): value is SignInEntry {
  const entry = value as Partial<Record<keyof SignInEntry, unknown>> | null;
  return (
    typeof entry?.server === 'string' &&
    typeof entry.clientId === 'string' &&
    typeof entry.profile === 'string' &&
    typeof entry.issuer === 'string' &&
    (entry.store === 'keychain' || entry.store === 'file')
  );
}
