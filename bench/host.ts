import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const lineFeed = 10;
/** How much of an answer is looked at for its id: its beginning and its end. */
const looked = 200;
/** Answers of this size leave enough behind for the garbage collector of this process to set in while the next is timed. */
const large = 1e6;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A host that costs as little as one can, and the proxy that it has started. */
export class Host {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<string, () => void>();
  readonly #begin = performance.now();
  #pieces: Buffer[] = [];
  #ids = 0;

  constructor(command: readonly string[], env: NodeJS.ProcessEnv) {
    const [program = '', ...args] = command;
    this.#child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#read(chunk);
    });
  }

  /** Milliseconds from the start of the process to its answer to `initialize`. */
  async initialize(): Promise<number> {
    const clientInfo = { name: 'bench', version: '1' };
    await this.ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    const milliseconds = performance.now() - this.#begin;
    this.#child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    return milliseconds;
  }

  /** Milliseconds until the answer. @throws Error when the proxy ends before */
  async ask(method: string, params: object = {}): Promise<number> {
    this.#ids += 1;
    const id = String(this.#ids);
    const begin = performance.now();
    await new Promise<void>((resolve, reject) => {
      const onExit = (): void => {
        reject(new Error(`The proxy ended before it answered ${method}.`));
      };
      this.#child.once('exit', onExit);
      this.#waiting.set(id, () => {
        this.#child.off('exit', onExit);
        resolve();
      });
      this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: this.#ids, method, params })}\n`);
    });
    return performance.now() - begin;
  }

  /** Calls `bytes`. What is timed is the proxy, not the collection of what this process has left behind before. */
  call(bytes: number, event = false): Promise<number> {
    if (bytes >= large) collectGarbage();
    return this.ask('tools/call', { name: 'bytes', arguments: { bytes, event } });
  }

  /** Calls a second with so many requests under way at once. */
  async throughput(calls: number, atOnce: number): Promise<number> {
    this.#child.setMaxListeners(atOnce + 10);
    const begin = performance.now();
    let begun = 0;
    const work = async (): Promise<void> => {
      while (begun < calls) {
        begun += 1;
        await this.call(16);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return calls / ((performance.now() - begin) / 1_000);
  }

  /** MiB; undefined where /proc does not exist. `Pss` shares what processes share. */
  memory(kind: 'Rss' | 'Pss' = 'Rss'): number {
    if (process.platform !== 'linux') return Number.NaN;
    const text = readFileSync(`/proc/${String(this.#child.pid)}/smaps_rollup`, 'utf8');
    const [, kibibytes] = new RegExp(`^${kind}:\\s+(\\d+) kB`, 'mu').exec(text) ?? [];
    return Number(kibibytes) / 1_024;
  }

  async close(): Promise<void> {
    this.#child.removeAllListeners('exit');
    if (this.#child.exitCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await exit;
    clearTimeout(insist);
  }

  #read(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      this.#pieces.push(chunk.subarray(from, end));
      from = end + 1;
      const line = this.#pieces.length === 1 ? (this.#pieces[0] ?? chunk) : Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#take(line);
    }
    if (from < chunk.length) this.#pieces.push(chunk.subarray(from));
  }

  #take(line: Buffer): void {
    const ends =
      line.length > 2 * looked
        ? line.toString('latin1', 0, looked) + line.toString('latin1', line.length - looked)
        : line.toString('latin1');
    const [, id = ''] = /"id":(\d+)/u.exec(ends) ?? [];
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.();
  }
}
