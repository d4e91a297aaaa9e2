import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Emulator } from '@mcp-keyhole/fusionauth-emulator';

const program = fileURLToPath(new URL('../../bin/fusionauth-emulator.js', import.meta.url));

/** An emulator as a process of its own, with the built-in kickstart. */
export class EmulatorProcess implements Emulator {
  readonly apiKey = 'bf69486b-4733-4470-a592-f1bfce7af580';
  readonly requests = [];
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(...argv: string[]): Promise<EmulatorProcess> {
    const flags = argv.includes('--port') ? argv : ['--port', '0', ...argv];
    const child = spawn(process.execPath, [program, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        NODE_NO_WARNINGS: '1',
        FUSIONAUTH_EXTERNAL_URL: '',
        FUSIONAUTH_APP_KICKSTART_FILE: '',
      },
    });
    const ended = once(child, 'close').then(([code]) => {
      throw new Error(`The emulator ended with ${String(code)} before it was ready.`);
    });
    const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer];
    ended.catch(() => undefined);
    return new EmulatorProcess(child, /http\S+/u.exec(line.toString())?.[0] ?? '');
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }

  close(): Promise<void> {
    return this.kill();
  }
}
