import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { clean } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';

const packages = {
  'mcp-keyhole': 'proxy',
  'mcp-keyhole-server': 'server',
  'mcp-keyhole-setup': 'setup',
  'fusionauth-emulator': 'fusionauth-emulator',
} as const;

/** The file that starts one of our programs. */
export function binOf(name: keyof typeof packages): string {
  return fileURLToPath(new URL(`../../packages/${packages[name]}/bin/${name}.js`, import.meta.url));
}

/** How long a program may take to be ready, and to end when it is asked to, in milliseconds. */
const readyDeadline = 20_000;
const endDeadline = 5_000;

/** One of our programs as a process of its own, with what it has said. */
export class Program {
  stdout = '';
  stderr = '';
  /** Settles when the process has ended and its output was read, with the exit code; null after a signal. */
  readonly ended: Promise<number | null>;
  readonly #what: string;
  readonly #child: ChildProcess;

  constructor(
    what: string,
    name: keyof typeof packages,
    args: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.#what = what;
    this.#child = spawn(process.execPath, [binOf(name), ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl+C reaches every process of a terminal's group at once; ours are to end in order. (On Windows a detached
      // process would get a window of its own.)
      detached: process.platform !== 'win32',
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', resolve);
    });
    this.ended.catch(() => undefined);
  }

  /**
   * Waits until stdout matches.
   *
   * @throws StartError `program-failed` when the program ends first, or is not ready in time
   */
  async ready(pattern: RegExp): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const matched = new Promise<void>((resolve, reject) => {
      this.#child.stdout?.on('data', () => {
        if (pattern.test(this.stdout)) resolve();
      });
      timer = setTimeout(() => reject(errors.notReady(this.#what, readyDeadline, this.words)), readyDeadline);
    });
    try {
      await Promise.race([matched, this.failure()]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Rejects when the program ends. */
  async failure(): Promise<never> {
    await this.ended;
    throw errors.programFailed(this.#what, this.words);
  }

  /** The last things that the program said to people, indented. */
  get words(): string {
    return lastLines(this.stderr);
  }

  /** Asks the program to end, insists after five seconds, and waits for it. */
  async end(): Promise<void> {
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), endDeadline);
    this.#child.kill('SIGTERM');
    await this.ended.catch(() => null);
    clearTimeout(insist);
  }
}

/** The last lines of an output, cleaned and indented. */
export function lastLines(output: string): string {
  const lines = clean(output).trimEnd().split('\n').slice(-15);
  return lines.join('') === '' ? '' : lines.map((line) => `    ${line}`).join('\n');
}
