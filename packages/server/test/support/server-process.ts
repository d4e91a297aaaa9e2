import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/mcp-keyhole-server.js', import.meta.url));

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program `mcp-keyhole-server`, as its own process. */
export class ServerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';
  readonly #entries: Record<string, unknown>[] = [];
  readonly #arrival = new EventTarget();

  constructor(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { PATH = '', HOME = '' } = process.env;
    this.child = spawn(process.execPath, [program, ...argv], {
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.on('data', (chunk) => (this.#stderr += String(chunk)));
    const { stdout } = this.child;
    if (stdout === null) throw new Error('the process has no stdout');
    createInterface(stdout).on('line', (line) => {
      this.#stdout += `${line}\n`;
      if (line.startsWith('{')) this.#entries.push(JSON.parse(line) as Record<string, unknown>);
      this.#arrival.dispatchEvent(new Event('line'));
    });
    this.ended = once(this.child, 'close').then(([code]) => {
      this.#arrival.dispatchEvent(new Event('line'));
      return { code: code as number | null, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  /** Waits for a log entry whose message contains a text. */
  async entry(message: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.#entries.find(({ msg }) => String(msg).includes(message));
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`the server ended without saying ${JSON.stringify(message)}: ${this.#stderr}`);
      }
      await new Promise((resolve) => {
        this.#arrival.addEventListener('line', resolve, { once: true });
      });
    }
  }
}
