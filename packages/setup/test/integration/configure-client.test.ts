import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectFusionAuth, type FusionAuth } from '../../src/fusionauth.ts';
import { demoApiKey } from '../../src/api-key.ts';
import { findOrRegister, type HostClientRequest } from '../../src/clients/host-client.ts';
import { runSetup } from '../support/command.ts';
import { emptyTerminal } from '../support/config.ts';
import { hostScene, installed } from '../support/host-scene.ts';

let emulator: Awaited<ReturnType<typeof startEmulator>>;
let fusionAuth: FusionAuth;

beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  fusionAuth = connectFusionAuth({ url: emulator.url, apiKey: demoApiKey });
});

afterAll(() => emulator.close());

describe('configure without a URL', () => {
  it('registers the client, writes its entry, and finds it again', async () => {
    const scene = hostScene();
    const { file } = installed(scene, 'cursor', '{\n  // mine\n  "mcpServers": {}\n}\n');
    const env = {
      HOME: scene.home,
      MCP_KEYHOLE_DIR: path.join(scene.home, 'state'),
      FUSIONAUTH_URL: emulator.url,
    };
    const flags = ['configure', 'cursor', '--mcp-server-url', 'https://mcp.example.com', '--port', '4000'];
    const first = await runSetup([...flags, '--yes', '--json'], env);
    expect(first.exitCode, first.stderr).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ host: 'cursor', file, change: 'added' });
    const { id } = (await fusionAuth.findApplication('Cursor')) ?? {};
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('// mine');
    for (const word of [
      '"https://mcp.example.com/mcp"',
      '"4000"',
      `"${id ?? '?'}"`,
      '"get_name"',
      '"offline_access"',
    ]) {
      expect(text).toContain(word);
    }
    const second = await runSetup(['configure', 'cursor', '--yes', '--json'], env);
    expect(JSON.parse(second.stdout)).toMatchObject({ change: 'unchanged' });
    expect((await fusionAuth.listApplications()).filter(({ name }) => name === 'Cursor')).toHaveLength(1);
  });
});

describe('the client of a host', () => {
  const find = (request: Partial<HostClientRequest>) =>
    findOrRegister(
      {
        name: 'Zed',
        clientId: undefined,
        mcpServerUrl: undefined,
        callbackPort: undefined,
        registers: true,
        fusionAuthUrl: emulator.url,
        apiKey: undefined,
        ...request,
      },
      fusionAuth,
      emptyTerminal(),
    );

  it('is not registered where nothing may be changed, nor under an id that does not exist', async () => {
    const missing = { code: 'client-unknown', exitCode: 1 };
    await expect(find({ registers: false })).rejects.toMatchObject(missing);
    await expect(find({ clientId: '00000000-0000-0000-0000-00000000dead' })).rejects.toMatchObject(missing);
    expect(await fusionAuth.findApplication('Zed')).toBeUndefined();
  });

  it('has to be for that server, and to lead back to the proxy at that port', async () => {
    const made = await find({});
    expect(made).toMatchObject({
      url: 'http://localhost:8000/mcp',
      callbackPort: 3334,
      secretName: undefined,
    });
    expect(await find({ clientId: made.clientId, name: 'another' })).toEqual(made);
    const unsuitable = { code: 'client-unsuitable' };
    await expect(find({ mcpServerUrl: 'https://other.example' })).rejects.toMatchObject(unsuitable);
    await expect(find({ callbackPort: 4444 })).rejects.toMatchObject(unsuitable);
  });
});
