import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { countSignIns, findSignIn, mcpRemoteFolder } from '../src/commands/mcp-remote-files.ts';
import { loadConfig, type ProxyConfig } from '../src/config.ts';
import { mcpRemoteKey, writeMcpRemoteFiles } from './support/mcp-remote-folder.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const url = 'https://mcp.example.com/mcp';

function configOf(argv: readonly string[]): ProxyConfig {
  const invocation = loadConfig(['import', ...argv], { KEY: 'k', FILE: 'f' });
  if (invocation.show !== 'nothing') throw new Error('help was asked for');
  return invocation.config;
}

/** The access token that is found for these arguments. */
async function foundIn(folder: string, argv: readonly string[]): Promise<unknown> {
  return (await findSignIn(folder, configOf(argv)))?.tokens['access_token'];
}

describe("mcp-remote's files", () => {
  it('are in MCP_REMOTE_CONFIG_DIR, else in ~/.mcp-auth', () => {
    expect(mcpRemoteFolder({ HOME: '/h', MCP_REMOTE_CONFIG_DIR: '/m' })).toBe('/m');
    expect(mcpRemoteFolder({ HOME: '/h', MCP_REMOTE_CONFIG_DIR: '' })).toBe(path.join('/h', '.mcp-auth'));
  });

  // The names are those that mcp-remote 0.15.1 gave to its files when it was started with these arguments.
  it('are found by the name that mcp-remote itself gives them', async () => {
    const folder = await temporaryFolder();
    const headers = path.join(folder, 'headers');
    await writeFile(headers, 'X-File: from ${FILE}\n# c\nX-B: 2\n');
    await writeMcpRemoteFiles(folder, {
      key: '5e0ee7bcd836af297cb933dc89ce7e33',
      tokens: { access_token: 'plain' },
    });
    await writeMcpRemoteFiles(folder, {
      key: '0008c3951b0b0fb6649a5197bb31df5d',
      tokens: { access_token: 'flags' },
    });
    expect(await foundIn(folder, ['http://127.0.0.1:18765/mcp'])).toBe('plain');
    const flags = [
      ...['--header', 'X-Key:${KEY}', '--header', 'A: b', '--header-file', headers],
      ...['--resource', 'https://r.example/x', '--authorize-param', 'b=2', '--authorize-param', 'a=1'],
      ...['--client-metadata-url', 'https://c.example/client.json'],
      ...['--client-credentials', '--token-endpoint', 'https://t.example/token'],
    ];
    expect(await foundIn(folder, ['http://127.0.0.1:18765', ...flags])).toBe('flags');
    expect(await foundIn(folder, ['http://127.0.0.1:18765', ...flags, '--header', 'C: d'])).toBeUndefined();
  });

  it('are found with and without the slash at the end of the URL', async () => {
    const folder = await temporaryFolder();
    await writeMcpRemoteFiles(folder, { key: mcpRemoteKey(`${url}/`), tokens: { access_token: 'slash' } });
    expect(await foundIn(folder, [url])).toBe('slash');
    expect(await foundIn(folder, ['https://mcp.example.com/other'])).toBeUndefined();
  });

  it('of earlier releases are found too, and the newest sign-in counts', async () => {
    const folder = await temporaryFolder();
    const key = mcpRemoteKey(url);
    const old = await writeMcpRemoteFiles(folder, {
      key,
      version: 'mcp-remote-0.1.30',
      tokens: { access_token: 'old' },
      client: { client_id: 'old' },
      writtenAt: new Date(1_700_000_000_000),
    });
    expect(await foundIn(folder, [url])).toBe('old');
    const current = await writeMcpRemoteFiles(folder, { key, tokens: { access_token: 'new' } });
    const found = await findSignIn(folder, configOf([url]));
    expect(found?.tokens['access_token']).toBe('new');
    // A client belongs to the tokens beside it, and to no others.
    expect(found?.client).toBeUndefined();
    expect([...(found?.files ?? [])].sort()).toEqual([...old, ...current].sort());
  });

  it('are counted by sign-in, whatever else is there', async () => {
    const folder = await temporaryFolder();
    expect(await countSignIns(folder)).toBe(0);
    expect(await countSignIns(path.join(folder, 'nowhere'))).toBe(0);
    for (const version of ['mcp-remote-v1', 'mcp-remote-0.1.30', 'something-else']) {
      await writeMcpRemoteFiles(folder, { key: mcpRemoteKey(url), version, tokens: {}, client: {} });
    }
    await writeMcpRemoteFiles(folder, { key: mcpRemoteKey('https://b.example'), tokens: {} });
    await writeMcpRemoteFiles(folder, { key: mcpRemoteKey('https://c.example'), client: {} });
    expect(await countSignIns(folder)).toBe(2);
  });
});
