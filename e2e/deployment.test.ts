import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repository } from './support/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyhole-deployment-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program of Debian's to its end, in the repository, with nothing but the given environment. */
function run(program: string, args: string[], env: Record<string, string> = {}) {
  const { PATH = '' } = process.env;
  const ended = spawnSync(program, args, {
    cwd: repository,
    env: { PATH, HOME: folder, ...env },
    encoding: 'utf8',
  });
  if (ended.error !== undefined) {
    throw new Error(
      `${program} cannot be run. Install it: apt-get install -y --no-install-recommends ${program}`,
      {
        cause: ended.error,
      },
    );
  }
  return ended;
}

const remote = { MCP_SERVER_URL: 'https://mcp.example.com', FUSIONAUTH_URL: 'https://auth.example.com' };

describe.each([
  ['docker-compose.yml', { FUSIONAUTH_LICENSE_KEY: 'license' }],
  ['docker-compose.remote.yml', remote],
  ['docker-compose.scale.yml', remote],
])('%s', (file, env: Record<string, string>) => {
  // An empty env file, so that a developer's own .env decides nothing here.
  const empty = join(folder, 'empty.env');
  writeFileSync(empty, '');
  const compose = (path: string, given: Record<string, string>, ...command: string[]) =>
    run(
      'docker-compose',
      ['--env-file', empty, '--project-directory', repository, '-f', path, ...command],
      given,
    );

  it('is accepted by the parser of docker-compose 1.29', () => {
    expect(run('docker-compose', ['--version']).stdout).toContain('1.29');
    expect(compose(file, env, 'config', '--quiet')).toMatchObject({ status: 0, stderr: '' });
  });

  it('would not be with a newer key', () => {
    const newer = join(folder, file);
    writeFileSync(newer, `name: keyhole\n${readFileSync(join(repository, file), 'utf8')}`);
    const { status, stderr } = compose(newer, env, 'config', '--quiet');
    expect(status).not.toBe(0);
    expect(stderr).toContain('name');
  });

  it.each(Object.keys(env))('says what to do when %s is missing', (name) => {
    const { status, stderr } = compose(file, { ...env, [name]: '' }, 'config', '--quiet');
    expect(status).not.toBe(0);
    expect(stderr).toContain('Missing mandatory value');
    expect(stderr).toContain(name);
  });

  it('waits for health, and starts again after a crash', () => {
    const { stdout } = compose(file, env, 'config');
    expect(stdout.match(/condition: \w+/gu)?.every((line) => line.endsWith('service_healthy'))).toBe(true);
    const services = compose(file, env, 'config', '--services').stdout.trim().split('\n');
    expect(stdout.match(/restart: unless-stopped/gu)).toHaveLength(services.length);
  });
});

describe('docker-compose.yml', () => {
  const { stdout } = run('docker-compose', ['-f', 'docker-compose.yml', 'config'], {
    FUSIONAUTH_LICENSE_KEY: 'license',
    FUSIONAUTH_EXTERNAL_URL: 'http://localhost:9011',
  });

  it('pins FusionAuth at a version that knows the parameter resource', () => {
    const [, minor] = /fusionauth-app:1\.(\d+)\.\d+$/mu.exec(stdout) ?? [];
    expect(Number(minor)).toBeGreaterThanOrEqual(67);
  });

  it('publishes ports on loopback only', () => {
    const published = stdout.match(/- \S+:\d+\/tcp/gu) ?? [];
    expect(published).toEqual(['- 127.0.0.1:9011:9011/tcp', '- 127.0.0.1:8000:8000/tcp']);
  });

  it('gives the kickstart the variables that it reads', () => {
    const kickstart = readFileSync(join(repository, 'kickstart/kickstart.json'), 'utf8');
    const read = new Set(
      [...kickstart.matchAll(/#\{ENV\.(?<name>\w+)\}/gu)].map(({ groups }) => groups?.['name'] ?? ''),
    );
    expect(read.size).toBeGreaterThan(0);
    for (const name of read) expect(stdout).toMatch(new RegExp(`^      ${name}: `, 'mu'));
  });
});

describe('docker-compose.scale.yml', () => {
  it('runs as many nodes as it is told, with one Valkey, and publishes only Caddy', () => {
    const env = { ...remote, NODES: '7' };
    const { stdout } = run('docker-compose', ['-f', 'docker-compose.scale.yml', 'config'], env);
    expect(stdout).toContain('replicas: 7');
    expect(stdout.match(/ {4}ports:/gu)).toHaveLength(1);
    expect(stdout).toContain('REDIS_URL: redis://valkey:6379');
  });
});

it('Caddy is started alike for one node and for several', () => {
  const commandIn = (file: string): unknown => {
    const text = readFileSync(join(repository, file), 'utf8');
    const { services } = parse(text) as { services: { caddy: { command: unknown } } };
    return services.caddy.command;
  };
  const command = commandIn('docker-compose.remote.yml');
  expect(command).toContain('sh');
  expect(commandIn('docker-compose.scale.yml')).toEqual(command);
});

describe('deploy/Caddyfile.scale', () => {
  const args = ['--config', 'deploy/Caddyfile.scale', '--adapter', 'caddyfile'];

  it('is valid, formatted as caddy formats, and finds the nodes by their name', () => {
    expect(run('caddy', ['validate', ...args], remote)).toMatchObject({ status: 0 });
    expect(run('caddy', ['fmt', 'deploy/Caddyfile.scale']).stdout).toBe(
      readFileSync(join(repository, 'deploy/Caddyfile.scale'), 'utf8'),
    );
    const { stdout } = run('caddy', ['adapt', ...args], remote);
    expect(stdout).toContain('"dynamic_upstreams":{"name":"mcp-server"');
    expect(stdout).not.toContain('"policy":"cookie"');
  });
});

describe('deploy/Caddyfile', () => {
  const args = ['--config', 'deploy/Caddyfile', '--adapter', 'caddyfile'];

  it('is valid, and formatted as caddy formats', () => {
    expect(run('caddy', ['validate', ...args], remote)).toMatchObject({ status: 0 });
    expect(run('caddy', ['fmt', 'deploy/Caddyfile']).stdout).toBe(
      readFileSync(join(repository, 'deploy/Caddyfile'), 'utf8'),
    );
  });

  it('answers for the public host over TLS and passes requests on to the server', () => {
    const { stdout } = run('caddy', ['adapt', ...args], remote);
    expect(JSON.parse(stdout)).toMatchObject({
      apps: {
        http: {
          servers: { srv0: { listen: [':443'], routes: [{ match: [{ host: ['mcp.example.com'] }] }] } },
        },
      },
    });
    expect(stdout).toContain('"upstreams":[{"dial":"mcp-server:8000"}]');
    expect(stdout).not.toContain('automatic_https');
  });

  it('is refused with a mistake in it', () => {
    const broken = join(folder, 'Caddyfile');
    writeFileSync(
      broken,
      readFileSync(join(repository, 'deploy/Caddyfile'), 'utf8').replace('reverse_proxy', 'reverse_prox'),
    );
    expect(run('caddy', ['validate', '--config', broken, '--adapter', 'caddyfile'], remote).status).not.toBe(
      0,
    );
  });
});
