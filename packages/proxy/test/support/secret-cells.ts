import type { OpenCell } from '../../src/token-store/keychain-item.ts';

/** A keychain in memory, item by item, that can be told to misbehave. */
export class SecretCells {
  readonly items = new Map<string, Buffer>();
  /** The account of every write, in order. */
  readonly writes: string[] = [];
  /** The most bytes that an item takes. */
  readonly limit: number;
  /** Called before each write; throws where a process is to die. */
  beforeWrite: (account: string) => void = () => undefined;
  /** Takes secrets and loses them, as some keychains do. */
  forgets = false;

  constructor(limit = Number.MAX_SAFE_INTEGER) {
    this.limit = limit;
  }

  readonly open: OpenCell = (account) => ({
    read: () => Promise.resolve(this.items.get(account)),
    write: (secret) => this.#write(account, secret),
    remove: () => Promise.resolve(this.items.delete(account)),
  });

  async #write(account: string, secret: Buffer): Promise<void> {
    await Promise.resolve();
    this.beforeWrite(account);
    if (secret.length > this.limit) throw new Error(`${secret.length} bytes are too many for an item`);
    this.writes.push(account);
    if (!this.forgets) this.items.set(account, Buffer.from(secret));
  }
}
