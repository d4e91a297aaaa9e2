import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, DockerfileWalk, type Stage } from '../support/dockerfile.ts';
import { freePort } from '../support/free-port.ts';
import { Processes } from '../support/processes.ts';

const megabyte = 1024 * 1024;

describe("the server's Dockerfile", () => {
  const walk = new DockerfileWalk();
  const processes = new Processes();
  let image: Stage;
  let app: string;

  beforeAll(() => {
    image = walk.walk('packages/server/Dockerfile');
    app = join(image.root, image.workdir);
  }, 300_000);
  afterAll(async () => {
    await processes.close();
    walk.remove();
  });

  it('builds on an image pinned by its major version, and runs without root', () => {
    expect(image.base).toMatch(/^node:\d+-(?:alpine|slim)$/u);
    expect(image.user).toBe('node');
  });

  it('holds the program and what it needs to run, nothing else', () => {
    expect(readdirSync(app).sort()).toEqual(['node_modules', 'packages']);
    expect(readdirSync(join(app, 'packages'))).toEqual(['server']);
    expect(readdirSync(join(app, 'packages/server')).sort()).toEqual([
      'bin',
      'dist',
      'node_modules',
      'package.json',
    ]);
    for (const tool of [
      'typescript',
      'vitest',
      'esbuild',
      'eslint',
      'playwright-core',
      '@modelcontextprotocol/client',
    ]) {
      expect(existsSync(join(app, 'node_modules', tool)), tool).toBe(false);
    }
    expect(size(app)).toBeLessThan(45 * megabyte);
  });

  it('takes no secrets, tests or history into the build context', () => {
    const files = context();
    expect(files).toContain('packages/server/src/main.ts');
    expect(
      files.filter((file) => /(?:^|\/)(?:\.env|\.git|node_modules|dist|test|kickstart)(?:\/|$)/u.test(file)),
    ).toEqual([]);
  });

  it('starts, is healthy, and is not once it has stopped', async () => {
    const port = await freePort();
    // HOST is the image's 0.0.0.0; on a test machine the server keeps to loopback.
    const env = { PATH: process.env['PATH'] ?? '', ...image.env, HOST: '127.0.0.1', PORT: String(port) };
    const run = ([command = '', ...args]: string[], name: string) =>
      processes.start(name, command, args, { cwd: app, env, input: '' });
    const server = run(image.command, 'the container');
    await server.prints('stdout', /"msg":"listening"/u);
    expect(await run(image.healthCheck, 'the health check').ended).toBe(0);
    expect(await server.end()).toBe(0);
    expect(await run(image.healthCheck, 'the health check').ended).toBe(1);
    const { version } = JSON.parse(readFileSync(join(app, 'packages/server/package.json'), 'utf8')) as {
      version: string;
    };
    const asked = run([...image.command, '--version'], 'the container');
    expect(await asked.ended).toBe(0);
    expect(asked.stdout.trim()).toBe(version);
  });

  it('listens on every network of its container', () => {
    expect(image.env).toMatchObject({ HOST: '0.0.0.0', PORT: '8000', NODE_ENV: 'production' });
  });
});

function size(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
