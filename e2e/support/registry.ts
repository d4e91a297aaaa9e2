import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PrivateHome, type Environment } from './private-home.ts';
import { freePort } from './free-port.ts';
import { Processes } from './processes.ts';
import { program, repository, type Bin } from './programs.ts';

/** The npm package that each of our programs comes in. */
export const packageOf: Readonly<Record<Bin, string>> = {
  'mcp-keyhole': 'mcp-keyhole',
  'mcp-keyhole-server': '@mcp-keyhole/server',
  'mcp-keyhole-setup': '@mcp-keyhole/setup',
  'fusionauth-emulator': '@mcp-keyhole/fusionauth-emulator',
};

/** What `npm pack --json` says about one tarball. */
export interface Tarball {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

/** An npm registry on loopback with our packages, published as a release does, and everybody else's behind it. */
export class Registry {
  readonly url: string;
  readonly processes = new Processes();
  readonly #home = new PrivateHome();

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/`;
  }

  static async start(): Promise<Registry> {
    const registry = new Registry(await freePort());
    try {
      await registry.#start();
      await registry.#publish();
    } catch (error) {
      await registry.close();
      throw error;
    }
    return registry;
  }

  async #start(): Promise<void> {
    // Others' packages are kept from one run to the next, ours never.
    const storage = join(repository, 'node_modules', '.cache', 'keyhole-registry');
    for (const own of ['mcp-keyhole', '@mcp-keyhole']) {
      rmSync(join(storage, own), { recursive: true, force: true });
    }
    mkdirSync(storage, { recursive: true });
    const uplink = (await this.#npm(['config', 'get', 'registry'], inherited())).trim();
    const own = { access: '$all', publish: '$all' };
    const config = {
      storage,
      auth: {},
      uplinks: { npm: { url: uplink, maxage: '1d', timeout: '60s' } },
      packages: { 'mcp-keyhole': own, '@mcp-keyhole/*': own, '**': { access: '$all', proxy: 'npm' } },
      max_body_size: '20mb',
      log: { type: 'stdout', format: 'json', level: 'http' },
    };
    const file = join(this.#home.folder, 'verdaccio.json');
    writeFileSync(file, JSON.stringify(config));
    const verdaccio = createRequire(import.meta.url).resolve('verdaccio/bin/verdaccio');
    const running = this.processes.start(
      'verdaccio',
      process.execPath,
      [verdaccio, '--config', file, '--listen', new URL(this.url).host],
      { env: { ...inherited(), ...this.#home.env } },
    );
    await running.prints('stdout', /http address/u);
  }

  async #publish(): Promise<void> {
    for (const { filename } of await this.pack(this.#home.folder)) {
      const { env } = this.fresh(this.#home.env);
      await this.#npm(['publish', join(this.#home.folder, filename)], env);
    }
  }

  /** Packs all four packages into a folder. */
  async pack(folder: string): Promise<readonly Tarball[]> {
    const workspaces = Object.values(packageOf).flatMap((name) => ['-w', name]);
    const output = await this.#npm(
      ['pack', '--json', '--ignore-scripts', '--pack-destination', folder, ...workspaces],
      inherited(),
    );
    return JSON.parse(output) as Tarball[];
  }

  /** An empty folder, and an environment in which npm knows this registry and has an empty cache. */
  fresh(env: Environment): { readonly cwd: string; readonly env: Environment } {
    const folder = mkdtempSync(join(this.#home.folder, 'fresh-'));
    const cwd = join(folder, 'empty');
    mkdirSync(cwd);
    return { cwd, env: { ...env, ...this.#settings(folder) } };
  }

  #settings(folder: string): Environment {
    return {
      npm_config_registry: this.url,
      npm_config_cache: join(folder, 'npm-cache'),
      npm_config_userconfig: join(folder, 'npmrc'),
      npm_config_update_notifier: 'false',
      // verdaccio lets everybody publish here, but npm does not ask without any token.
      [`npm_config_//${new URL(this.url).host}/:_authToken`]: 'anybody',
    };
  }

  async #npm(args: readonly string[], env: Environment): Promise<string> {
    const running = this.processes.start('npm', program('npm'), args, { env, cwd: repository, input: '' });
    if ((await running.ended) !== 0) throw new Error(`npm ${args.join(' ')} failed.\n${running.stderr}`);
    return running.stdout;
  }

  async close(): Promise<void> {
    await this.processes.close();
    this.#home.remove();
  }
}

/** This process's environment without what npm itself put there when it started the tests. */
function inherited(): Environment {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^npm_/iu.test(entry[0]),
    ),
  );
}
