import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unpackExtension, validateManifest } from '@anthropic-ai/mcpb';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from './support/free-port.ts';
import { Host } from './support/hosts.ts';
import { PrivateHome } from './support/private-home.ts';
import { Processes } from './support/processes.ts';
import { binFile } from './support/programs.ts';

const home = new PrivateHome();
const processes = new Processes();
const hosts: Host[] = [];
let url: string;

beforeAll(async () => {
  const port = await freePort();
  const env = { PATH: process.env['PATH'] ?? '', AUTH: 'off', PORT: String(port) };
  const server = processes.startBin('mcp-keyhole-server', [], { env });
  await server.prints('stdout', /"msg":"listening"/u);
  url = `http://localhost:${port}/mcp`;
});

afterAll(async () => {
  for (const host of hosts) await host.close();
  await processes.close();
  home.remove();
});

/** How a host starts a server. */
interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** What the host's own kind of parser finds in its file. */
const read = {
  'claude-desktop': (text: string) => (JSON.parse(text) as { mcpServers: { open: Command } }).mcpServers.open,
  vscode: (text: string) => (parseJsonc(text) as { servers: { open: Command } }).servers.open,
  codex: (text: string) =>
    (parseToml(text) as unknown as { mcp_servers: { open: Command } }).mcp_servers.open,
} as const;

/** An entry as a v1 host starts it: by the name `node`, and in a folder of its own choice. */
function started({ command, args }: Command): Host {
  const host = new Host({ command, args, env: home.env, cwd: home.folder, timeout: 20_000 });
  hosts.push(host);
  return host;
}

async function setup(...argv: readonly string[]): Promise<string> {
  const line = ['configure', ...argv, '--json'];
  const { exit, stdout, stderr } = await processes.runBin('mcp-keyhole-setup', line, { env: home.env });
  expect(exit, stderr).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return (JSON.parse(stdout) as { file: string }).file;
}

const clone = (): string[] => [url, '--client-id', 'nobody', '--proxy-path', binFile('mcp-keyhole')];

test.each(Object.entries(read))(
  '%s: a host that reads the written entry starts it and is answered',
  async (id, entryIn) => {
    const file = await setup(id, ...clone(), '--name', 'open', '--create', '--yes');
    const entry = entryIn(readFileSync(file, 'utf8'));
    expect(entry.args).toContain(url);
    expect(await started(entry).getName()).toBe('Hello, World!');
    await setup(id, '--undo');
    expect(existsSync(file)).toBe(false);
  },
);

test('a Claude Desktop extension is valid, and what is in the archive starts and answers', async () => {
  const file = join(home.folder, 'made', 'open.mcpb');
  mkdirSync(dirname(file));
  // One platform: the keychain libraries of all are some megabytes more to fetch.
  await setup('claude-desktop', ...clone(), '--extension', file, '--platform', 'linux');
  const folder = join(home.folder, 'unpacked');
  expect(await unpackExtension({ mcpbPath: file, outputDir: folder, silent: true })).toBe(true);
  expect(validateManifest(join(folder, 'manifest.json'))).toBe(true);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    server: { entry_point: string; mcp_config: Command };
  };
  expect(readFileSync(join(folder, manifest.server.entry_point), 'utf8')).toContain('dist/main.js');
  const libraries = await readdir(join(folder, 'server', 'node_modules', '@napi-rs'));
  expect(libraries).toEqual(['keyring', 'keyring-linux-arm64-gnu', 'keyring-linux-x64-gnu']);
  const { command, args } = manifest.server.mcp_config;
  const resolved = args.map((argument) => argument.replace('${__dirname}', folder));
  expect(await started({ command, args: resolved }).getName()).toBe('Hello, World!');
  expect(JSON.stringify(manifest)).not.toContain(dirname(binFile('mcp-keyhole')));
});
