import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PrivateHome } from '../support/private-home.ts';
import { Processes } from '../support/processes.ts';
import { program, repository } from '../support/programs.ts';
import { packageOf, Registry, type Tarball } from '../support/registry.ts';

const slow = 180_000;
const home = new PrivateHome();
const processes = new Processes();
let registry: Registry;
let tarballs: readonly Tarball[];

beforeAll(async () => {
  registry = await Registry.start();
  tarballs = await registry.pack(home.folder);
}, slow);

afterAll(async () => {
  await processes.close();
  await registry.close();
  home.remove();
});

test('all four packages are packed', () => {
  expect(tarballs.map(({ name }) => name).toSorted()).toEqual(Object.values(packageOf).toSorted());
});

test.each(Object.entries(packageOf))(
  'the package of %s holds what it needs and nothing else',
  (bin, name) => {
    const paths = tarballs.find((tarball) => tarball.name === name)?.files.map(({ path }) => path) ?? [];
    expect(paths).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', `bin/${bin}.js`, 'dist/main.js']),
    );
    const allowed =
      /^(?:LICENSE|README\.md|package\.json|bin\/[\w-]+\.js|dist\/THIRD-PARTY-LICENSES\.txt|clients\.schema\.json|dist\/chunks\/xdg-open|dist\/(?:[\w-]+\/)*[\w.-]+(?:\.js|\.d\.ts))$/u;
    expect(paths.filter((path) => !allowed.test(path))).toEqual([]);
  },
);

test.each(Object.values(packageOf))('%s says where it runs, and that it is free', (name) => {
  const manifest = JSON.parse(
    readFileSync(join(repository, 'node_modules', name, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  expect(manifest).toMatchObject({ engines: { node: '>=20.18.1' }, license: 'Apache-2.0', type: 'module' });
});

test(
  'the libraries, installed alone, give a strict TypeScript program their types and run',
  async () => {
    const { cwd, env } = registry.fresh(home.env);
    writeFileSync(join(cwd, 'package.json'), '{ "private": true, "type": "module" }');
    const compilerOptions = { module: 'NodeNext', target: 'ES2023', strict: true, skipLibCheck: false };
    writeFileSync(
      join(cwd, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, types: ['node'] } }),
    );
    writeFileSync(
      join(cwd, 'use.ts'),
      `import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import * as server from '@mcp-keyhole/server';
const emulator = await startEmulator({ port: 0 });
const status = await fetch(new URL('/api/status', emulator.url));
console.log(JSON.stringify({ status: status.status, server: typeof server.createApp }));
await emulator.close();
// @ts-expect-error The types are real ones: a port is a number.
void (() => startEmulator({ port: 'any' }));
// @ts-expect-error As above.
void (() => server.createApp('config'));
`,
    );
    const run = async (command: string, ...args: string[]): Promise<string> => {
      const running = processes.start(command, program(command), args, { cwd, env, input: '' });
      expect(await running.ended, `${running.stdout}${running.stderr}`).toBe(0);
      return running.stdout;
    };
    const node = `@types/node@${versionOf('@types/node')}`;
    await run('npm', 'install', '@mcp-keyhole/server', '@mcp-keyhole/fusionauth-emulator', node);
    await run('node', join(repository, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', cwd);
    expect(JSON.parse(await run('node', 'use.js'))).toEqual({ status: 200, server: 'function' });
  },
  slow,
);

function versionOf(name: string): string {
  const file = join(repository, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
