import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Host } from './host.ts';

export const root = path.join(import.meta.dirname, '..');
const requireFromHere = createRequire(import.meta.url);
const packageFile = (name: string): string => requireFromHere.resolve(`${name}/package.json`);
const { version: mcpRemoteVersion } = requireFromHere('mcp-remote/package.json') as { version: string };

export const keyhole = 'keyhole';
export const mcpRemote = `mcp-remote ${mcpRemoteVersion}`;
export const floor = 'floor';

/** How each peer is started for a server. */
export const peers: Readonly<Record<string, (url: string) => readonly string[]>> = {
  [mcpRemote]: (url) => [
    process.execPath,
    path.join(path.dirname(packageFile('mcp-remote')), 'dist', 'proxy.js'),
    url,
    '--allow-http',
  ],
  [keyhole]: (url) => [process.execPath, path.join(root, 'packages/proxy/bin/mcp-keyhole.js'), url],
  [floor]: (url) => [process.execPath, path.join(root, 'bench/floor.mjs'), url],
};

/** A stage for measurements: servers to talk to, and a home that no peer has seen. */
export class Stage {
  readonly #home = mkdtempSync(path.join(tmpdir(), 'keyhole-bench-'));
  readonly #servers: ChildProcess[] = [];
  #homes = 0;

  /** Starts a server and gives its URL. */
  async serve(...args: readonly string[]): Promise<string> {
    const server = spawn(process.execPath, [path.join(root, 'bench/stand-in-server.mjs'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#servers.push(server);
    const [url] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    return url;
  }

  /** Starts a peer at a home of its own, or at one that it has been to. */
  host(peer: string, url: string, home = this.home()): Host {
    const start = peers[peer];
    if (start === undefined) throw new Error(`There is no peer ${peer}.`);
    return new Host(start(url), this.environment(home));
  }

  home(): string {
    this.#homes += 1;
    const home = path.join(this.#home, String(this.#homes));
    mkdirSync(home, { recursive: true });
    return home;
  }

  environment(home: string): NodeJS.ProcessEnv {
    return {
      ...process.env,
      HOME: home,
      MCP_KEYHOLE_DIR: path.join(home, 'keyhole'),
      MCP_REMOTE_CONFIG_DIR: path.join(home, 'remote'),
    };
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      const exit = once(server, 'exit');
      server.kill();
      await exit;
    }
    rmSync(this.#home, { recursive: true, force: true });
  }
}
