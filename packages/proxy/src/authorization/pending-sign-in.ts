import { errors, ProxyError, type ProxyErrorCode } from '../errors.ts';
import { nameFor, type StateFolder } from '../state-folder.ts';

interface Pending {
  readonly state: 'pending';
  /** Where the user signs in. */
  readonly url: string;
}

interface Failed {
  readonly state: 'failed';
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly code: ProxyErrorCode;
  readonly message: string;
  readonly remedy: string;
}

/**
 * What the other processes of this machine may know of a sign-in: where it waits for its user, or that it failed. A file
 * in the state folder (0600), gone when the sign-in succeeded. It holds no token; the URL's state is worthless without
 * the code verifier, which stays in the process that signs in.
 */
export class PendingSignIn {
  readonly #folder: StateFolder;
  readonly #name: string;

  /** @param account names the sign-in */
  constructor(folder: StateFolder, account: string) {
    this.#folder = folder;
    this.#name = nameFor('sign-in', account);
  }

  /** The name of the lock under which the sign-in happens. */
  get lock(): string {
    return this.#name;
  }

  async begin(url: URL): Promise<void> {
    await this.#write({ state: 'pending', url: url.href });
  }

  async clear(): Promise<void> {
    await this.#folder.remove(`${this.#name}.json`);
  }

  /** Only what a user may read is passed on; and that this process ends says nothing about the sign-in. */
  async fail(error: unknown): Promise<void> {
    if (!(error instanceof ProxyError) || error.code === 'shutting-down') return this.clear();
    const { code, message, remedy } = error;
    await this.#write({ state: 'failed', at: Date.now(), code, message, remedy });
  }

  /** Where the user signs in, if a sign-in is waiting for that. */
  async url(): Promise<URL | undefined> {
    const record = await this.#read();
    return record?.state === 'pending' && URL.canParse(record.url) ? new URL(record.url) : undefined;
  }

  /** The failure of a sign-in that ended after `since`: whoever waited for it then has the same answer, and no tab. */
  async failureSince(since: number): Promise<ProxyError | undefined> {
    const record = await this.#read();
    return record?.state === 'failed' && record.at >= since ? errors.elsewhere(record) : undefined;
  }

  async #read(): Promise<Pending | Failed | undefined> {
    const text = await this.#folder.read(`${this.#name}.json`);
    try {
      return text === undefined ? undefined : (JSON.parse(text) as Pending | Failed);
    } catch {
      // Damaged: it says nothing then, and the next sign-in writes it anew.
      return undefined;
    }
  }

  async #write(record: Pending | Failed): Promise<void> {
    await this.#folder.write(`${this.#name}.json`, JSON.stringify(record));
  }
}
