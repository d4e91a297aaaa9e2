import { FusionAuthClient } from '@fusionauth/typescript-client';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { demoApiKey, findApiKey } from '../../src/api-key.ts';
import { register, type Registration } from '../../src/clients/registration.ts';
import { command } from '../../src/commands/register.ts';
import { connectFusionAuth } from '../../src/fusionauth.ts';
import { configOf, emptyTerminal } from '../support/config.ts';
import { startInterference, type CannedAnswer, type LoopbackServer } from '../support/loopback-server.ts';

let emulator: Awaited<ReturnType<typeof startEmulator>>;
let between: LoopbackServer | undefined;
let told: string;

beforeEach(async () => {
  emulator = await startEmulator({ port: 0 });
  told = '';
});

afterEach(async () => {
  await between?.close();
  between = undefined;
  await emulator.close();
});

function admin(): FusionAuthClient {
  return new FusionAuthClient(demoApiKey, emulator.url);
}

/** Registers a client with these flags beside the URL. */
async function run(flags: string[], url = emulator.url, deadline = 5_000): Promise<Registration> {
  const config = configOf(command, ['--fusionauth-url', url, ...flags]);
  const terminal = emptyTerminal((text) => (told += text));
  const apiKey = await findApiKey(config, terminal);
  return register(config, connectFusionAuth({ url, apiKey, tenantId: config.tenantId, deadline }), terminal);
}

/** The same through a server that answers some requests by itself. */
async function runWith(
  interfere: (request: string) => CannedAnswer | 'silence' | undefined,
  deadline?: number,
): Promise<Registration> {
  between = await startInterference(emulator.url, interfere);
  return run(['--name', 'Cursor'], between.url, deadline);
}

async function names(): Promise<(string | undefined)[]> {
  const { response } = await admin().retrieveApplications();
  return (response.applications ?? []).map(({ name }) => name);
}

describe('a registration', () => {
  it('creates the application with its scope and registers the test user', async () => {
    const registration = await run([
      '--name',
      'Claude Desktop',
      '--mcp-server-url',
      'https://mcp.example.com/',
    ]);

    const { response } = await admin().retrieveApplication(registration.clientId);
    expect(response.application).toMatchObject({
      id: registration.clientId,
      name: 'Claude Desktop',
      oauthConfiguration: {
        clientId: registration.clientId,
        clientAuthenticationPolicy: 'NotRequired',
        proofKeyForCodeExchangePolicy: 'Required',
        authorizedResourceUris: ['https://mcp.example.com/mcp'],
        relationship: 'ThirdParty',
        unknownScopePolicy: 'Reject',
      },
    });
    expect(response.application?.scopes).toMatchObject(
      ['get_name', 'set_greeting', 'countdown'].map((name) => ({ name, required: true })),
    );
    const user = await admin().retrieveUserByEmail('test@example.com');
    expect(user.response.user?.registrations?.map(({ applicationId }) => applicationId)).toContain(
      registration.clientId,
    );
    expect(registration).toMatchObject({
      name: 'Claude Desktop',
      scope: 'openid profile offline_access get_name',
      resource: 'https://mcp.example.com/mcp',
      testUser: { email: 'test@example.com', password: 'password' },
    });
  });

  it('says when there is no test user, and needs none', async () => {
    const { response } = await admin().retrieveUserByEmail('test@example.com');
    await admin().deleteUser(response.user?.id ?? '');
    await expect(run(['--name', 'Cursor'])).resolves.toMatchObject({ testUser: null });
    expect(told).toContain('There is no user test@example.com here: sign in as one of your own users.');
  });

  it('is made beside others, one for each client', async () => {
    const first = await run(['--name', 'Claude Desktop']);
    const second = await run(['--name', 'Cursor']);
    expect(second.clientId).not.toBe(first.clientId);
    expect(await names()).toEqual(expect.arrayContaining(['Claude Desktop', 'Cursor']));
  });

  it('of the same name again changes nothing, or what is different, and says it', async () => {
    const { clientId } = await run(['--name', 'Cursor']);
    expect(await run(['--name', 'Cursor'])).toMatchObject({ clientId, change: 'unchanged', changes: [] });
    const again = await run(['--name', 'cursor', '--resource', 'https://mcp.example.com/mcp']);
    expect(again).toMatchObject({ clientId, change: 'changed', resource: 'https://mcp.example.com/mcp' });
    expect(again.changes).toEqual([
      'name: Cursor → cursor',
      'authorizedResourceUris: + https://mcp.example.com/mcp, − http://localhost:8000/mcp',
    ]);
    for (const line of again.changes) expect(told).toContain(line);
    expect((await names()).filter((name) => name?.toLowerCase() === 'cursor')).toHaveLength(1);
    const user = await admin().retrieveUserByEmail('test@example.com');
    const registered = user.response.user?.registrations?.map(({ applicationId }) => applicationId);
    expect(registered?.filter((id) => id === clientId)).toHaveLength(1);
  });

  it('does not touch an application of that name that somebody else has made, unless told', async () => {
    const { response } = await admin().createApplication('', { application: { name: 'Cursor' } });
    const id = response.application?.id ?? '?';
    await expect(run(['--name', 'Cursor'])).rejects.toMatchObject({
      code: 'name-taken',
      message: expect.stringContaining(id) as string,
      remedy: expect.stringContaining('--foreign') as string,
    });
    const after = await admin().retrieveApplication(id);
    expect(after.response.application?.data ?? {}).toEqual({});
    expect(await run(['--name', 'Cursor', '--foreign'])).toMatchObject({ clientId: id, change: 'changed' });
    expect(await run(['--name', 'Cursor'])).toMatchObject({ clientId: id, change: 'unchanged' });
  });

  it('of a connector prints its secret once, which FusionAuth then has', async () => {
    const flags = ['--name', 'Claude', '--for', 'claude.ai', '--resource', 'https://mcp.example.com/mcp'];
    const { clientId, clientSecret, configuration } = await run(flags);
    expect(configuration).toBeNull();
    const { response } = await admin().retrieveApplication(clientId);
    expect(response.application?.oauthConfiguration).toMatchObject({
      authorizedRedirectURLs: [
        'https://claude.ai/api/mcp/auth_callback',
        'https://claude.com/api/mcp/auth_callback',
      ],
      clientAuthenticationPolicy: 'Required',
      clientSecret,
    });
    expect(clientSecret).toMatch(/^[\w-]{43}$/u);
    expect(await run(flags)).toMatchObject({ change: 'unchanged', clientSecret: null });
    expect(told).not.toContain(clientSecret);
  });

  it('is refused to a wrong API key before anything is created', async () => {
    const before = await names();
    await expect(run(['--name', 'Cursor', '--api-key', 'wrong'])).rejects.toMatchObject({
      code: 'api-key-refused',
    });
    expect(await names()).toEqual(before);
  });

  it('needs a name where nobody can be asked, before any request', async () => {
    const before = emulator.requests.length;
    await expect(run([])).rejects.toMatchObject({ code: 'name-missing', exitCode: 2 });
    expect(emulator.requests).toHaveLength(before);
  });
});

describe('an unlicensed FusionAuth', () => {
  it('is told as such', async () => {
    await emulator.close();
    emulator = await startEmulator({ port: 0, licensed: false });
    await expect(run(['--name', 'Cursor'])).rejects.toMatchObject({ code: 'unlicensed', exitCode: 1 });
    expect(await names()).not.toContain('Cursor');
  });
});

describe('a registration that fails half-way', () => {
  it('is removed when the scope cannot be created', async () => {
    await expect(
      runWith((request) => (request.includes('/scope/') ? { status: 500 } : undefined)),
    ).rejects.toMatchObject({ code: 'fusionauth-failed' });
    expect(await names()).not.toContain('Cursor');
    expect(told).toContain('Removed the half-made application.');
  });

  it('is removed when the test user cannot be registered', async () => {
    await expect(
      runWith((request) => (request.includes('/registration/') ? { status: 401 } : undefined)),
    ).rejects.toMatchObject({ code: 'api-key-refused' });
    expect(await names()).not.toContain('Cursor');
  });

  it('is removed when the application was created but the answer never came', async () => {
    let removals = 0;
    await expect(
      runWith((request) => {
        if (request.startsWith('POST /api/application/') && !request.endsWith('/search')) return 'silence';
        if (request.startsWith('DELETE ')) removals += 1;
        return undefined;
      }, 300),
    ).rejects.toMatchObject({ code: 'fusionauth-timeout' });
    expect(removals).toBe(1);
  });

  it('is named exactly when it cannot be removed', async () => {
    const failure: unknown = await runWith((request) =>
      request.includes('/scope/') || request.startsWith('DELETE ') ? { status: 500 } : undefined,
    ).catch((error: unknown) => error);
    const { response } = await admin().retrieveApplications();
    const left = response.applications?.find(({ name }) => name === 'Cursor');
    expect(failure).toMatchObject({
      code: 'application-left-over',
      exitCode: 1,
      message: expect.stringContaining(
        `"Cursor" (client id ${left?.id ?? '?'}) could not be removed`,
      ) as string,
    });
  });
});
