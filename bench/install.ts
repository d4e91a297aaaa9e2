// What `npx` has to do on a computer that never saw the package: packages, bytes, seconds, from an empty npm cache.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PrivateHome } from '../e2e/support/private-home.ts';
import { Processes } from '../e2e/support/processes.ts';
import { program } from '../e2e/support/programs.ts';
import { Registry } from '../e2e/support/registry.ts';
import { keyhole, mcpRemote } from './peers.ts';
import { spreadOf } from './statistics.ts';
import type { Table } from './table.ts';

const specs = { [mcpRemote]: mcpRemote.replace(' ', '@'), [keyhole]: 'mcp-keyhole' };

export async function installFigures(runs: number): Promise<readonly Table[]> {
  const registry = await Registry.start();
  const home = new PrivateHome();
  const processes = new Processes();
  try {
    const install = async (spec: string): Promise<Record<string, number>> => {
      const { cwd, env } = registry.fresh(home.env);
      writeFileSync(path.join(cwd, 'package.json'), '{ "private": true }');
      const begin = performance.now();
      const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', spec];
      const npm = processes.start('npm', program('npm'), args, {
        cwd,
        env: { PATH: process.env['PATH'] ?? '', ...env },
        input: '',
      });
      if ((await npm.ended) !== 0) throw new Error(`npm install ${spec} failed.\n${npm.stderr}`);
      const seconds = (performance.now() - begin) / 1_000;
      const lock = JSON.parse(readFileSync(path.join(cwd, 'package-lock.json'), 'utf8')) as {
        packages: object;
      };
      const installed = Object.keys(lock.packages).filter(
        (name) => name !== '' && existsSync(path.join(cwd, name)),
      );
      return {
        seconds,
        packages: installed.length,
        download: sizeOf(path.join(env['npm_config_cache'] ?? '', '_cacache', 'content-v2')) / 2 ** 20,
        disk: sizeOf(path.join(cwd, 'node_modules')) / 2 ** 20,
      };
    };
    // The registry fetches what it does not have yet.
    for (const spec of Object.values(specs)) await install(spec);
    const samples = new Map<string, Record<string, number>[]>();
    for (let run = 0; run < runs; run += 1) {
      for (const [name, spec] of Object.entries(specs)) {
        samples.set(name, [...(samples.get(name) ?? []), await install(spec)]);
      }
    }
    const columns = [
      { key: 'packages', title: 'packages', digits: 0 },
      { key: 'download', title: 'downloaded, MiB', digits: 1 },
      { key: 'disk', title: 'on disk, MiB', digits: 1 },
      { key: 'seconds', title: 'seconds', digits: 1 },
    ];
    const rows = [...samples].map(([name, list]) => ({
      name,
      cells: Object.fromEntries(
        columns.map(({ key }) => [key, spreadOf(list.map((sample) => sample[key] ?? 0))]),
      ),
    }));
    return [
      {
        id: 'install',
        title: 'Installation from an empty npm cache',
        notes: [`${runs} interleaved runs from a loopback registry that has all packages already.`],
        columns,
        rows,
        baseline: mcpRemote,
      },
    ];
  } finally {
    await processes.close();
    await registry.close();
    home.remove();
  }
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0);
}
