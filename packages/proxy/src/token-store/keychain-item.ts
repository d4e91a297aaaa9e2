import { createHash, randomUUID } from 'node:crypto';

/** One named secret of the keychain: the part of it that differs between platforms, and that tests can stand in for. */
export interface SecretCell {
  read(): Promise<Buffer | undefined>;
  write(secret: Buffer): Promise<void>;
  remove(): Promise<boolean>;
}

/** Gives the cell of an account; called often, so it keeps what is costly to open. */
export type OpenCell = (account: string) => SecretCell;

interface Manifest {
  readonly keyholeParts: number;
  /** Tells the parts of one writing from those of another, so that a writing cut short leaves the old one whole. */
  readonly generation: string;
  readonly sha256: string;
}

/** A secret of any size in a keychain whose items are limited: whole where it fits, else in parts behind a manifest. */
export class KeychainItem {
  readonly #openCell: OpenCell;
  readonly #account: string;
  readonly #limit: number;

  /** @param limit the most bytes that one item may hold */
  constructor(openCell: OpenCell, account: string, limit: number) {
    this.#openCell = openCell;
    this.#account = account;
    this.#limit = limit;
  }

  /** @throws Error when parts are missing or do not belong together */
  async read(): Promise<string | undefined> {
    const head = await this.#openCell(this.#account).read();
    if (head === undefined) return undefined;
    const manifest = parseManifest(head);
    if (manifest === undefined) return head.toString('utf8');
    const parts: Buffer[] = [];
    for (let number = 0; number < manifest.keyholeParts; number += 1) {
      const part = await this.#part(manifest, number).read();
      if (part === undefined) throw new Error(`part ${number + 1} of ${manifest.keyholeParts} is missing`);
      parts.push(part);
    }
    const whole = Buffer.concat(parts);
    if (sha256(whole) !== manifest.sha256) throw new Error('its parts do not belong together');
    return whole.toString('utf8');
  }

  /** Updates the item in place (macOS asks for permission again when an item is recreated). */
  async write(text: string): Promise<void> {
    const head = this.#openCell(this.#account);
    const before = await head.read();
    const whole = Buffer.from(text, 'utf8');
    if (whole.length <= this.#limit) {
      await head.write(whole);
    } else {
      const manifest: Manifest = {
        keyholeParts: Math.ceil(whole.length / this.#limit),
        generation: randomUUID().slice(0, 8),
        sha256: sha256(whole),
      };
      for (let number = 0; number < manifest.keyholeParts; number += 1) {
        await this.#part(manifest, number).write(
          whole.subarray(number * this.#limit, (number + 1) * this.#limit),
        );
      }
      // The manifest last: until it is written, the old one still finds all of its parts.
      await head.write(Buffer.from(JSON.stringify(manifest)));
    }
    await this.#removeParts(before);
  }

  async remove(): Promise<boolean> {
    const head = this.#openCell(this.#account);
    const before = await head.read();
    const removed = await head.remove();
    await this.#removeParts(before);
    return removed;
  }

  async #removeParts(head: Buffer | undefined): Promise<void> {
    const manifest = head === undefined ? undefined : parseManifest(head);
    for (let number = 0; number < (manifest?.keyholeParts ?? 0); number += 1) {
      if (manifest !== undefined) await this.#part(manifest, number).remove();
    }
  }

  #part(manifest: Manifest, number: number): SecretCell {
    return this.#openCell(`${this.#account} part ${manifest.generation}-${number + 1}`);
  }
}

function parseManifest(head: Buffer): Manifest | undefined {
  try {
    const content = JSON.parse(head.toString('utf8')) as Partial<Manifest> | null;
    return typeof content?.keyholeParts === 'number' &&
      typeof content.generation === 'string' &&
      typeof content.sha256 === 'string'
      ? { keyholeParts: content.keyholeParts, generation: content.generation, sha256: content.sha256 }
      : undefined;
  } catch {
    return undefined;
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url');
}
