import { FusionAuthClient } from '@fusionauth/typescript-client';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoApiKey } from '../../src/api-key.ts';
import { chooseCommand } from '../../src/commands/index.ts';
import { emptyTerminal, runCommand } from '../support/config.ts';

let emulator: Awaited<ReturnType<typeof startEmulator>>;
let foreignId: string;

beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  const { response } = await admin().createApplication('', { application: { name: 'Intranet' } });
  foreignId = response.application?.id ?? '';
});

afterAll(() => emulator.close());

function admin(): FusionAuthClient {
  return new FusionAuthClient(demoApiKey, emulator.url);
}

/** Runs a command line; `answer` is what a person before the terminal says to every question. */
async function run(argv: readonly string[], answer?: boolean): Promise<string> {
  const choice = await chooseCommand([...argv, '--fusionauth-url', emulator.url]);
  if (choice.command === 'overview') throw new Error('no command');
  const confirm = answer === undefined ? undefined : () => Promise.resolve(answer);
  const outcome = await runCommand(choice.command, choice.argv, { ...emptyTerminal(), confirm });
  expect(outcome.exitCode).toBe(0);
  return outcome.stdout;
}

async function json<Body>(argv: readonly string[]): Promise<Body> {
  return JSON.parse(await run([...argv, '--json'])) as Body;
}

interface Facts {
  readonly name: string;
  readonly clientId: string;
  readonly own: boolean;
}

async function register(name: string, ...flags: string[]): Promise<string> {
  return (await json<Facts>(['register', '--name', name, ...flags])).clientId;
}

async function secretOf(clientId: string): Promise<string | undefined> {
  const { response } = await admin().retrieveApplication(clientId);
  return response.application?.oauthConfiguration?.clientSecret;
}

const toolNames = ['get_name', 'set_greeting', 'countdown'];

describe('list', () => {
  it('has the clients that the tool made, others only when asked, and no secret', async () => {
    const clientId = await register('Listed', '--for', 'claude.ai');
    const own = await json<Facts[]>(['list']);
    expect(own.map(({ name }) => name)).toEqual(['Listed']);
    expect(own[0]).toMatchObject({ clientId, own: true, confidential: true, scopes: toolNames });
    const all = await json<Facts[]>(['list', '--all']);
    expect(all.map(({ name }) => name)).toEqual(['Intranet', 'Listed']);
    const table = await run(['list', '--all']);
    expect(table).toMatch(/^Intranet +[\da-f-]{36} +confidential +elsewhere$/mu);
    expect(table + JSON.stringify(all)).not.toContain((await secretOf(clientId)) ?? '?');
  });
});

describe('show', () => {
  it('finds a client by its name in any case or its id, and tells what it may do', async () => {
    const clientId = await register('Shown', '--port', '4444');
    for (const reference of ['shown', clientId, clientId.toUpperCase()]) {
      expect(await json(['show', reference])).toMatchObject({ name: 'Shown', clientId, set: null });
    }
    const text = await run(['show', 'Shown']);
    expect(text).toContain('Redirect URL  http://localhost:4444/oauth/callback');
    expect(text).not.toContain((await secretOf(clientId)) ?? '?');
  });

  it('hints at the nearest name', async () => {
    await register('Claude Desktop');
    await expect(run(['show', 'Claud Desktop'])).rejects.toMatchObject({
      code: 'client-unknown',
      exitCode: 1,
      remedy: expect.stringContaining('Did you mean "Claude Desktop"?') as string,
    });
    await expect(run(['show'])).rejects.toMatchObject({ code: 'usage', exitCode: 2 });
  });
});

describe('update', () => {
  it('changes what is named, leaves the rest, and says what it did', async () => {
    const clientId = await register('Changing');
    const flags = ['--add-scope', 'write', '--add-resource', 'https://two.example/mcp', '--port', '4000'];
    const text = await run(['update', 'Changing', ...flags]);
    expect(text).toContain('scopes: + write');
    expect(text).toContain('authorizedResourceUris: + https://two.example/mcp');
    expect(await json(['show', clientId])).toMatchObject({
      scopes: [...toolNames, 'write'],
      resources: ['http://localhost:8000/mcp', 'https://two.example/mcp'],
      redirectUrls: [
        'http://localhost:4000/oauth/callback',
        'http://127.0.0.1:4000/oauth/callback',
        'http://localhost:4000/callback',
        'http://127.0.0.1:4000/callback',
      ],
    });
    expect(await run(['update', 'Changing', ...flags])).toContain('nothing had to be changed');
    await run(['update', clientId, '--name', 'Changed', '--remove-scope', 'write']);
    expect(await json(['show', clientId])).toMatchObject({ name: 'Changed', scopes: toolNames });
  });

  it('gives a secret and takes it back', async () => {
    const clientId = await register('Secretive');
    const { clientSecret } = await json<{ clientSecret: string }>(['update', 'Secretive', '--confidential']);
    expect(await secretOf(clientId)).toBe(clientSecret);
    expect(await json(['update', 'Secretive', '--public'])).toMatchObject({
      changes: ['clientAuthenticationPolicy: Required → NotRequired'],
      clientSecret: null,
    });
  });

  it('makes an inactive client active again', async () => {
    const clientId = await register('Sleeping');
    await admin().deactivateApplication(clientId);
    expect(await json(['show', clientId])).toMatchObject({ active: false });
    expect(await json(['update', clientId])).toMatchObject({ changes: ['active: no → yes'] });
    expect(await json(['show', clientId])).toMatchObject({ active: true });
  });

  it('refuses to remove what is not there, and clients of others', async () => {
    await register('Plain');
    await expect(run(['update', 'Plain', '--remove-scope', 'write'])).rejects.toMatchObject({ exitCode: 2 });
    await expect(run(['update', 'Plain', '--public', '--confidential'])).rejects.toMatchObject({
      exitCode: 2,
    });
    await expect(run(['update', 'Intranet', '--name', 'Mine'])).rejects.toMatchObject({
      code: 'client-foreign',
    });
  });
});

describe('remove', () => {
  it('asks, and does nothing where nobody can be asked or the answer is no', async () => {
    const clientId = await register('Doomed');
    await expect(run(['remove', 'Doomed'])).rejects.toMatchObject({
      code: 'confirmation-missing',
      exitCode: 2,
    });
    await expect(run(['remove', 'Doomed'], false)).rejects.toMatchObject({ code: 'cancelled' });
    expect(await json(['show', clientId])).toMatchObject({ name: 'Doomed' });
    expect(await run(['remove', 'Doomed'], true)).toBe(`Removed Doomed (client id ${clientId}).\n`);
    await expect(run(['show', clientId])).rejects.toMatchObject({ code: 'client-unknown' });
  });

  it('removes several, each once, or none when one of them is not there', async () => {
    const ids = [await register('First'), await register('Second')];
    await expect(run(['remove', 'First', 'Third', '--yes'])).rejects.toMatchObject({
      code: 'client-unknown',
    });
    expect(await json(['remove', 'First', ...ids, '--yes'])).toEqual({
      removed: [
        { name: 'First', clientId: ids[0] },
        { name: 'Second', clientId: ids[1] },
      ],
    });
  });

  it('touches the application of somebody else only when told, and never that of FusionAuth', async () => {
    await expect(run(['remove', foreignId, '--yes'])).rejects.toMatchObject({ code: 'client-foreign' });
    await expect(run(['remove', 'FusionAuth', '--foreign', '--yes'])).rejects.toMatchObject({
      code: 'client-foreign',
    });
    expect(await run(['remove', foreignId, '--foreign', '--yes'])).toContain('Removed Intranet');
  });
});

describe('rotate-secret', () => {
  it('ends the old secret and prints the new one, once asked', async () => {
    const clientId = await register('Rotated', '--for', 'chatgpt');
    const before = await secretOf(clientId);
    await expect(run(['rotate-secret', 'Rotated'])).rejects.toMatchObject({ code: 'confirmation-missing' });
    expect(await secretOf(clientId)).toBe(before);
    const rotated = await json<{ clientSecret: string }>(['rotate-secret', 'Rotated', '--yes']);
    expect(rotated.clientSecret).not.toBe(before);
    expect(await secretOf(clientId)).toBe(rotated.clientSecret);
  });

  it('has nothing to do with a public client', async () => {
    await register('Public');
    await expect(run(['rotate-secret', 'Public', '--yes'])).rejects.toMatchObject({ code: 'client-public' });
  });
});
