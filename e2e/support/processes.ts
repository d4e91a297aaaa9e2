import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { binFile, type Bin } from './programs.ts';
import type { Environment } from './private-home.ts';

export interface ProcessOptions {
  readonly env: Environment;
  readonly cwd?: string;
  /** What it reads on stdin, which then ends. Absent: stdin stays open. */
  readonly input?: string;
  /** It starts others that would survive it, as npx does: end them with it. */
  readonly group?: boolean;
}

/** What a process printed, by name, for those who search it later. */
export interface Output {
  readonly name: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that a test started, with all that it printed so far. */
export class RunningProcess implements Output {
  stdout = '';
  stderr = '';
  /** The exit code, or the signal's name, once the process has ended and its output was read. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #group: boolean;

  constructor(name: string, command: string, args: readonly string[], options: ProcessOptions) {
    this.name = name;
    const { env, cwd, group = false } = options;
    this.#group = group;
    this.#child = spawn(command, args, { env, cwd, stdio: 'pipe', detached: group });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    // A process that ends early breaks the pipe; its exit code and stderr tell more than EPIPE would.
    this.#child.stdin.on('error', () => undefined);
    if (options.input !== undefined) this.#child.stdin.end(options.input);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve(code ?? signal ?? 1));
    });
    this.ended.catch(() => undefined);
  }

  /** Types on its stdin. */
  type(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} did not start.`);
    return this.#child.pid;
  }

  get isRunning(): boolean {
    const { exitCode, signalCode } = this.#child;
    return exitCode === null && signalCode === null;
  }

  /**
   * Waits until what was printed matches, and gives the match.
   *
   * @throws Error with all output when the process ends first, or after `timeout` milliseconds
   */
  async prints(stream: 'stdout' | 'stderr', pattern: RegExp, timeout = 20_000): Promise<RegExpExecArray> {
    const deadline = AbortSignal.timeout(timeout);
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match !== null) return match;
      const event = await Promise.race([
        once(this.#child[stream], 'data', { signal: deadline }).then(
          () => 'data' as const,
          () => 'deadline' as const,
        ),
        this.ended.then(() => 'ended' as const),
      ]);
      if (event === 'data' || (event === 'ended' && pattern.test(this[stream]))) continue;
      throw new Error(
        `${this.name} did not print ${String(pattern)} (${event}).\n${this.stdout}\n${this.stderr}`,
      );
    }
  }

  /** Asks the process to end, insists after five seconds, and waits for it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    const insist = setTimeout(() => this.#kill('SIGKILL'), 5_000);
    this.#kill(signal);
    try {
      return await this.ended;
    } finally {
      clearTimeout(insist);
    }
  }

  #kill(signal: NodeJS.Signals): void {
    if (!this.#group) this.#child.kill(signal);
    else if (this.isRunning) process.kill(-this.pid, signal);
  }
}

/** All processes of a run: ended together, and all that they ever printed is kept. */
export class Processes {
  readonly #started: RunningProcess[] = [];

  start(name: string, command: string, args: readonly string[], options: ProcessOptions): RunningProcess {
    const running = new RunningProcess(name, command, args, options);
    this.#started.push(running);
    return running;
  }

  /** Starts one of our own programs, from the package's `bin/`. */
  startBin(name: Bin, args: readonly string[], options: ProcessOptions): RunningProcess {
    return this.start(name, process.execPath, [binFile(name), ...args], options);
  }

  /** Runs one of our own programs to its end, with nothing on its stdin. */
  async runBin(
    name: Bin,
    args: readonly string[],
    options: ProcessOptions,
  ): Promise<{ exit: number | NodeJS.Signals; stdout: string; stderr: string }> {
    const running = this.startBin(name, args, { input: '', ...options });
    const exit = await running.ended;
    return { exit, stdout: running.stdout, stderr: running.stderr };
  }

  get outputs(): readonly Output[] {
    return this.#started;
  }

  /** Ends all, the youngest first. */
  async close(): Promise<void> {
    for (const running of this.#started.toReversed()) await running.end();
  }
}
