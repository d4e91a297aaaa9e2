import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import lockfile from 'proper-lockfile';
import writeFileAtomic from 'write-file-atomic';
import { isUnchanged, readSnapshot, removeWhole, writeWhole, type Snapshot } from './configuration-file.ts';
import { hostErrors } from './errors.ts';

/** How many writes to one file can be undone. */
const depth = 10;
/** A lock whose holder died is taken over after this many milliseconds (the least that the library allows). */
const staleAfter = 5_000;

/** One write, for undoing it. */
interface Write {
  /** ISO 8601. */
  readonly at: string;
  /** The name of the copy of the file as it was; null when there was none. */
  readonly before: string | null;
  /** SHA-256, in hex, of what was written. */
  readonly after: string;
  /** The folders that were made for it, the outermost first. */
  readonly folders: readonly string[];
}

/** Keeps hosts' files as they were before each write, in a folder that only the user can read. */
export class Backups {
  readonly #folder: string;

  constructor(stateFolder: string) {
    this.#folder = path.join(stateFolder, 'hosts');
  }

  /**
   * Writes a file, if it is still as it was, and keeps what it was. One process at a time does this. Returns the path of the copy (null
   * when there was no file), or `changed`.
   *
   * @throws SetupError `configuration-unwritable`
   */
  write(snapshot: Snapshot, bytes: Buffer): Promise<{ backup: string | null } | 'changed'> {
    return this.#locked(snapshot.path, async () => {
      if (!(await isUnchanged(snapshot))) return 'changed';
      const at = new Date().toISOString();
      const before =
        snapshot.bytes === undefined ? null : `${this.#name(snapshot.path)}-${at.replaceAll(/\D/gu, '')}.bak`;
      // First the copy and its record, then the file: whatever breaks off between them, nothing is lost.
      if (before !== null) await this.#store(before, snapshot.bytes ?? Buffer.alloc(0));
      const writes = await this.#writes(snapshot.path);
      const record = { at, before, after: hashOf(bytes), folders: [] as readonly string[] };
      await this.#record(snapshot.path, [...writes, record]);
      try {
        record.folders = await writeWhole(snapshot.path, bytes);
      } catch (error) {
        await this.#record(snapshot.path, writes);
        if (before !== null) await rm(path.join(this.#folder, before), { force: true });
        throw error;
      }
      await this.#record(snapshot.path, await this.#trimmed([...writes, record]));
      return { backup: before === null ? null : path.join(this.#folder, before) };
    });
  }

  /**
   * Puts a file back to what it was before the last write, or takes it away when there was none.
   *
   * @throws SetupError `nothing-to-undo`, `changed-since`, `configuration-unwritable`
   */
  async undo(file: string): Promise<'restored' | 'removed'> {
    const { path: target } = await readSnapshot(file);
    return this.#locked(target, async () => {
      const { bytes } = await readSnapshot(target);
      const writes = await this.#writes(target);
      const last = writes.at(-1);
      if (last === undefined) throw hostErrors.nothingToUndo(file);
      const copy = last.before === null ? undefined : path.join(this.#folder, last.before);
      if (bytes === undefined || hashOf(bytes) !== last.after) throw hostErrors.changedSince(file, copy);
      if (copy === undefined) await removeWhole(target, last.folders);
      else await writeWhole(target, await readFile(copy));
      await this.#record(target, writes.slice(0, -1));
      if (copy !== undefined) await rm(copy, { force: true });
      return copy === undefined ? 'removed' : 'restored';
    });
  }

  async #trimmed(writes: readonly Write[]): Promise<readonly Write[]> {
    for (const { before } of writes.slice(0, -depth)) {
      if (before !== null) await rm(path.join(this.#folder, before), { force: true });
    }
    return writes.slice(-depth);
  }

  async #writes(file: string): Promise<readonly Write[]> {
    const record = path.join(this.#folder, `${this.#name(file)}.json`);
    const { bytes } = await readSnapshot(record);
    try {
      return bytes === undefined ? [] : (JSON.parse(bytes.toString()) as { writes: Write[] }).writes;
    } catch (error) {
      throw hostErrors.unreadable(record, error);
    }
  }

  async #record(file: string, writes: readonly Write[]): Promise<void> {
    const text = `${JSON.stringify({ file, writes }, undefined, 2)}\n`;
    await this.#store(`${this.#name(file)}.json`, Buffer.from(text));
  }

  async #store(name: string, bytes: Buffer): Promise<void> {
    const target = path.join(this.#folder, name);
    try {
      await writeFileAtomic(target, bytes, { mode: 0o600 });
    } catch (error) {
      throw hostErrors.unwritable(target, error);
    }
  }

  /** Readable, and different for two files of the same name. */
  #name(file: string): string {
    const hash = createHash('sha256').update(file).digest('hex').slice(0, 12);
    return `${path.basename(file).replaceAll(/[^\w.-]/gu, '_')}-${hash}`;
  }

  async #locked<Value>(file: string, work: () => Promise<Value>): Promise<Value> {
    let release: () => Promise<void>;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      release = await lockfile.lock(path.join(this.#folder, this.#name(file)), {
        realpath: false,
        stale: staleAfter,
        retries: { retries: 200, factor: 1, minTimeout: 50, maxTimeout: 50 },
      });
    } catch (error) {
      throw hostErrors.unwritable(this.#folder, error);
    }
    try {
      return await work();
    } finally {
      await release();
    }
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
