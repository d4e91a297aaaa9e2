import { mkdirSync, openSync, closeSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { lock } from 'proper-lockfile';
import writeFileAtomic from 'write-file-atomic';
import { errors } from '../errors.ts';
import { isObject } from '../json.ts';

/** One thing of the store: its table, its id, and its value; without a value it was deleted. */
export type StoredRecord = readonly [table: string, id: string, value?: unknown];

const format = 'fusionauth-emulator';
const version = 1;
/** Bytes of changes after which the file is written anew, at least. */
const leastGrowth = 16 * 1024 * 1024;
/** proper-lockfile's shortest: after a SIGKILL a restart waits this long, or a second longer where it had only just begun. */
const staleAfter = 2_000;

/**
 * The file behind `--data`: a snapshot, which is written atomically, and after it one line for each change, written before
 * the change is answered. Everything secret is in it, so only its owner may read it.
 */
export class DataFile {
  readonly #file: string;
  #release: (() => Promise<void>) | undefined;
  #descriptor: number | undefined;
  #growth = 0;
  #limit = leastGrowth;
  #snapshot: () => Iterable<StoredRecord> = () => [];

  private constructor(file: string, release: () => Promise<void>) {
    this.#file = file;
    this.#release = release;
  }

  /** Takes the folder for this process. @throws EmulatorError `data-in-use`, `data-unusable` */
  static async open(folder: string): Promise<DataFile> {
    const absolute = path.resolve(folder);
    try {
      mkdirSync(absolute, { recursive: true, mode: 0o700 });
      const retries = { retries: 14, factor: 1, minTimeout: 250, maxTimeout: 250 };
      // A lock that is lost (the machine slept) is taken again at the next start; nothing here depends on it meanwhile.
      const release = await lock(absolute, { stale: staleAfter, retries, onCompromised: () => undefined });
      return new DataFile(path.join(absolute, 'state.jsonl'), release);
    } catch (error) {
      if (isObject(error) && error['code'] === 'ELOCKED') throw errors.dataInUse(absolute, error);
      throw errors.dataUnusable(absolute, messageOf(error), error);
    }
  }

  /**
   * The records of the file in order, undefined when there is no file yet. A last line that was cut short was never answered,
   * and is left out.
   *
   * @throws EmulatorError `data-damaged`
   */
  read(): StoredRecord[] | undefined {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw errors.dataUnusable(path.dirname(this.#file), messageOf(error), error);
    }
    const [first = '', ...lines] = text.split('\n');
    const unfinished = lines.pop() ?? '';
    const header = this.#parse(first, 1);
    if (!isObject(header) || header['format'] !== format || header['version'] !== version) {
      throw errors.dataDamaged(this.#file, 'its first line does not say that it is one of this version');
    }
    const records = lines.map((line, index) => this.#record(this.#parse(line, index + 2), index + 2));
    if (records.length < Number(header['records'])) {
      const missing = `it has ${records.length} of at least ${String(header['records'])} records`;
      throw errors.dataDamaged(
        this.#file,
        `${missing}${unfinished === '' ? '' : ', and ends within a line'}`,
      );
    }
    return records;
  }

  /** Writes everything anew, and from now on each change. @throws EmulatorError `data-unusable` */
  begin(snapshot: () => Iterable<StoredRecord>): void {
    this.#snapshot = snapshot;
    try {
      const lines = [...snapshot()].map((record) => JSON.stringify(record));
      const header = JSON.stringify({ format, version, records: lines.length });
      const text = `${[header, ...lines].join('\n')}\n`;
      writeFileAtomic.sync(this.#file, text, { mode: 0o600 });
      if (this.#descriptor !== undefined) closeSync(this.#descriptor);
      this.#descriptor = openSync(this.#file, 'a', 0o600);
      this.#growth = 0;
      this.#limit = Math.max(leastGrowth, 2 * text.length);
    } catch (error) {
      throw errors.dataUnusable(path.dirname(this.#file), messageOf(error), error);
    }
  }

  /** Adds a change. It is with the operating system when this returns: a SIGKILL does not undo it. */
  append(record: StoredRecord): void {
    if (this.#descriptor === undefined) return;
    this.#growth += writeSync(this.#descriptor, `${JSON.stringify(record)}\n`);
    if (this.#growth > this.#limit) this.begin(this.#snapshot);
  }

  async close(): Promise<void> {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    const release = this.#release;
    this.#release = undefined;
    await release?.();
  }

  #parse(line: string, number: number): unknown {
    try {
      return JSON.parse(line) as unknown;
    } catch (error) {
      throw errors.dataDamaged(this.#file, `line ${number} is not JSON (${messageOf(error)})`);
    }
  }

  #record(value: unknown, number: number): StoredRecord {
    if (Array.isArray(value) && value.length >= 2 && value.length <= 3) {
      const [table, id, content] = value as unknown[];
      if (typeof table === 'string' && typeof id === 'string') {
        return content === undefined ? [table, id] : [table, id, content];
      }
    }
    throw errors.dataDamaged(this.#file, `line ${number} is not a record`);
  }
}
