import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { runSetup } from '../support/command.ts';
import { hostScene, installed } from '../support/host-scene.ts';

let emulator: Awaited<ReturnType<typeof startEmulator>>;

beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
});

afterAll(() => emulator.close());

describe('mcp-keyhole-setup', () => {
  it("prints client id, configuration and credentials as the guide's script does, and exits 0", async () => {
    const { exitCode, stdout, stderr } = await runSetup(['--name', 'Claude Desktop'], {
      FUSIONAUTH_URL: emulator.url,
    });
    expect(stderr).toContain("the kickstart's demo key");
    expect(exitCode).toBe(0);
    const clientId = /^Client Id: (?<id>[\da-f-]{36})$/mu.exec(stdout)?.groups?.['id'] ?? '';
    const block: unknown = JSON.parse(/^\{$.*^\}$/msu.exec(stdout)?.[0] ?? '');
    expect(block).toMatchObject({ mcpServers: { 'name-server': { command: 'npx' } } });
    expect(JSON.stringify(block)).toContain(clientId);
    expect(stdout).toMatch(/Test user credentials:\n {2}Email: test@example.com\n {2}Password: password\n$/u);
  });

  it('prints exactly one JSON object on stdout with --json', async () => {
    const { exitCode, stdout } = await runSetup([
      '--name',
      'Cursor',
      '--json',
      '--fusionauth-url',
      emulator.url,
    ]);
    expect(exitCode).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(result)).toEqual([
      'clientId',
      'name',
      'scope',
      'resource',
      'configuration',
      'testUser',
      'change',
      'changes',
      'clientSecret',
    ]);
  });

  it('exits 1 with sentence, remedy and code on stderr, and nothing on stdout', async () => {
    const { exitCode, stdout, stderr } = await runSetup(['--name', 'Zed', '--fusionauth-url', emulator.url], {
      FUSIONAUTH_API_KEY: 'not-the-key',
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('[api-key-refused]');
    expect(stderr).not.toContain('not-the-key');
  });

  it('exits 2 for a mistake on the command line', async () => {
    const { exitCode, stdout, stderr } = await runSetup(['--naem', 'Zed']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Did you mean --name?');
  });

  it('exits 0 for --help and --version, on stdout', async () => {
    expect(await runSetup(['--help'])).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await runSetup(['--version'])).stdout).toBe(`${manifest.version}\n`);
  });
});

describe('mcp-keyhole-setup configure', () => {
  it('loses nothing when several processes write one file, and tells each in one line of JSON', async () => {
    const scene = hostScene();
    const { file } = installed(scene, 'cursor', '{\n  // mine\n  "mcpServers": {}\n}\n');
    const env = { HOME: scene.home, MCP_KEYHOLE_DIR: path.join(scene.home, 'state') };
    const names = ['one', 'two', 'three', 'four'];
    const outcomes = await Promise.all(
      names.map((name) =>
        runSetup(
          ['configure', 'cursor', 'https://mcp.example.com/mcp', '--name', name, '--yes', '--json'],
          env,
        ),
      ),
    );
    for (const [index, { exitCode, stdout, stderr }] of outcomes.entries()) {
      expect(exitCode, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ host: 'cursor', file, name: names[index], change: 'added' });
    }
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('// mine');
    for (const name of names) expect(text).toContain(`"${name}": {`);
  });

  it('prints the entry for any other host on stdout, and tells mistakes with exit code 2', async () => {
    const given = ['configure', 'acme', 'https://mcp.example.com/mcp', '--client-id', 'abc'];
    const { exitCode, stdout } = await runSetup([...given, '--print', '--platform', 'win32']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      mcpServers: {
        'mcp-example-com': {
          command: 'cmd',
          args: ['/c', 'npx', '-y', 'mcp-keyhole', 'https://mcp.example.com/mcp', '--client-id', 'abc'],
        },
      },
    });
    const unknown = await runSetup(['configure', 'cursr', 'https://mcp.example.com/mcp']);
    expect({ ...unknown, stderr: '' }).toEqual({ exitCode: 2, stdout: '', stderr: '' });
    expect(unknown.stderr).toContain('Did you mean cursor?');
    const secret = ['configure', 'cursor', 'https://mcp.example.com/mcp', '--client-id', 'abc'];
    const refused = await runSetup([...secret, '--client-secret', 'very-secret', '--yes']);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('mcp-keyhole secret set');
    expect(refused.stderr).not.toContain('very-secret');
  });
});
