import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

/** There is none for Windows. Elsewhere a missing one is a failure. */
export const hasRedis = process.platform !== 'win32';

export interface RedisOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Where it keeps its data, as a deployed one does. Default: it keeps nothing on disk. */
  readonly folder?: string;
}

/** A real Redis on a loopback port. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly #keeping: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string | undefined) {
    this.port = port;
    this.#keeping = folder === undefined ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--dir', folder];
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start({ port, folder }: RedisOptions = {}): Promise<RedisServer> {
    const { error } = spawnSync('redis-server', ['--version']);
    if (error !== undefined) {
      throw new Error(
        'The program redis-server is missing. Install it: apt-get install -y --no-install-recommends redis-server',
        {
          cause: error,
        },
      );
    }
    const redis = new RedisServer(port ?? (await freePort()), folder);
    await redis.start();
    return redis;
  }

  /** Starts it (again), on the same port. */
  async start(): Promise<void> {
    const words = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', ...this.#keeping];
    const child = spawn('redis-server', words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    for await (const line of createInterface(child.stdout)) {
      if (line.includes('Ready to accept connections')) break;
    }
    child.stdout.resume();
  }

  /** Ends it as a crash would. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.#child = undefined;
  }

  /** Lets it answer nothing while its connections stay open. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A port that nothing listens on; Redis takes no port 0. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
