import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FusionAuthClient, type Application } from '@fusionauth/typescript-client';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { demoApiKey } from '../../src/api-key.ts';
import { chooseCommand } from '../../src/commands/index.ts';
import { emptyTerminal, runCommand } from '../support/config.ts';
import { startInterference, type CannedAnswer, type LoopbackServer } from '../support/loopback-server.ts';

let emulator: Awaited<ReturnType<typeof startEmulator>>;
let between: LoopbackServer | undefined;
let folder: string;
let told: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'keyhole-apply-'));
  told = '';
  emulator = await startEmulator({ port: 0 });
});

afterEach(async () => {
  rmSync(folder, { recursive: true, force: true });
  await between?.close();
  between = undefined;
  await emulator.close();
});

/** What `--json` prints. */
interface Outcome {
  readonly entries: readonly {
    readonly action: string;
    readonly name: string;
    readonly clientId: string | null;
    readonly changes: readonly string[];
    readonly outcome?: string;
    readonly clientSecret?: string;
    readonly error?: { readonly code: string };
  }[];
  readonly left: number;
  readonly unlisted: readonly { readonly name: string }[];
}

const file = (...names: string[]): string =>
  [
    'defaults: { resources: [https://mcp.example.com/mcp], scopes: [get_name] }',
    'scopes: { get_name: }',
    `clients: [${names.map((name) => `{ name: ${name} }`).join(', ')}]`,
  ].join('\n');

/** Runs `plan` or `apply` with a file of that text. What it wrote is an own value, since it may throw afterwards. */
async function run(
  command: 'plan' | 'apply',
  text: string,
  flags: readonly string[] = [],
  options: { url?: string; confirm?: () => Promise<boolean> } = {},
): Promise<string> {
  const clients = path.join(folder, 'clients.yaml');
  writeFileSync(clients, text);
  const choice = await chooseCommand([
    command,
    clients,
    ...flags,
    '--fusionauth-url',
    options.url ?? emulator.url,
  ]);
  if (choice.command === 'overview') throw new Error('no command');
  const terminal = { ...emptyTerminal((words) => (told += words)), confirm: options.confirm };
  return (await runCommand(choice.command, choice.argv, terminal)).stdout;
}

async function applied(text: string, ...flags: string[]): Promise<Outcome> {
  return JSON.parse(await run('apply', text, ['--yes', '--json', ...flags])) as Outcome;
}

const doneOf = ({ entries }: Outcome): string[] => entries.map(({ action, name }) => `${action} ${name}`);

async function applications(): Promise<readonly Application[]> {
  const { response } = await new FusionAuthClient(demoApiKey, emulator.url).retrieveApplications();
  return response.applications ?? [];
}

describe('apply', () => {
  it('creates, changes, leaves, and removes what is no longer in the file when told', async () => {
    expect(doneOf(await applied(file('One', 'Two', 'Three')))).toEqual([
      'create One',
      'create Two',
      'create Three',
    ]);
    const again = await applied(file('One', 'Two', 'Three'));
    expect(again).toMatchObject({ entries: [], left: 3, unlisted: [] });
    const fewer = file('One', 'Two').replace('{ name: Two }', '{ name: Two, port: 4000 }');
    const kept = await applied(fewer);
    expect(kept).toMatchObject({ left: 1, unlisted: [{ name: 'Three' }] });
    expect(kept.entries).toMatchObject([{ action: 'change', name: 'Two', outcome: 'done' }]);
    expect(kept.entries[0]?.changes[0]).toContain('+ http://localhost:4000/oauth/callback');
    expect(doneOf(await applied(fewer, '--prune'))).toEqual(['remove Three']);
    expect(doneOf(await applied('clients: []', '--prune'))).toEqual(['remove One', 'remove Two']);
  });

  it('removes only what is of its own set, and nothing that others have made', async () => {
    await applied(`set: a\n${file('One')}`);
    await applied(`set: b\n${file('Two')}`);
    await new FusionAuthClient(demoApiKey, emulator.url).createApplication('', {
      application: { name: 'Intranet' },
    });
    const registered = await chooseCommand(['--name', 'Mine', '--json', '--fusionauth-url', emulator.url]);
    if (registered.command !== 'overview') await runCommand(registered.command, registered.argv);
    expect(doneOf(await applied('set: a\nclients: []', '--prune'))).toEqual(['remove One']);
    expect((await applications()).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Two', 'Intranet', 'Mine']),
    );
  });

  it('is as the file says in FusionAuth, with the secret of what has one', async () => {
    const text = file('One').replace('{ name: One }', '{ name: Web, for: claude.ai }');
    const [entry] = (await applied(text)).entries;
    const web = (await applications()).find(({ name }) => name === 'Web');
    expect(web).toMatchObject({
      id: entry?.clientId,
      data: { mcpKeyhole: { set: 'default' } },
      scopes: [{ name: 'get_name' }],
      oauthConfiguration: {
        authorizedResourceUris: ['https://mcp.example.com/mcp'],
        clientSecret: entry?.clientSecret,
      },
    });
    expect(told).not.toContain(entry?.clientSecret);
  });

  it('asks, once it has shown the plan, and changes nothing without consent', async () => {
    await expect(run('apply', file('One'))).rejects.toMatchObject({
      code: 'confirmation-missing',
      exitCode: 2,
    });
    expect(told).toContain('+ create One');
    await expect(
      run('apply', file('One'), [], { confirm: () => Promise.resolve(false) }),
    ).rejects.toMatchObject({ code: 'cancelled', exitCode: 1 });
    expect((await applications()).map(({ name }) => name)).not.toContain('One');
    expect(await run('apply', file('One'), [], { confirm: () => Promise.resolve(true) })).toContain(
      'Created 1',
    );
  });

  it('refuses names that are taken before it changes anything', async () => {
    await new FusionAuthClient(demoApiKey, emulator.url).createApplication('', {
      application: { name: 'Two' },
    });
    await expect(applied(file('One', 'two'))).rejects.toMatchObject({ code: 'names-taken', exitCode: 1 });
    expect((await applications()).map(({ name }) => name)).not.toContain('One');
    expect(doneOf(await applied(file('One', 'two'), '--foreign'))).toEqual(['create One', 'change two']);
  });

  it('refuses a file with mistakes before any request', async () => {
    const before = emulator.requests.length;
    await expect(run('apply', 'clients: [{}]')).rejects.toMatchObject({ code: 'clients-file-invalid' });
    const absent = await chooseCommand(['plan', path.join(folder, 'absent.yaml')]);
    if (absent.command === 'overview') throw new Error('no command');
    await expect(runCommand(absent.command, absent.argv)).rejects.toMatchObject({
      code: 'clients-file-unreadable',
      exitCode: 2,
    });
    expect(emulator.requests).toHaveLength(before);
  });
});

describe('plan', () => {
  it('shows what apply would do, and does nothing', async () => {
    await applied(file('One', 'Two'));
    const before = await applications();
    const text = file('One', 'New').replace('{ name: One }', '{ name: One, confidential: true }');
    const words = await run('plan', text);
    expect(words).toContain(
      '+ create New\n~ change One\n    clientAuthenticationPolicy: NotRequired → Required\n',
    );
    expect(words).toContain('1 to create, 1 to change, 0 to remove, 0 to leave.');
    expect(words).toContain('1 of the set default not in the file (--prune removes them): Two.');
    const json = JSON.parse(await run('plan', text, ['--prune', '--json'])) as Outcome;
    expect(json.entries.map(({ action, clientId }) => [action, clientId === null])).toEqual([
      ['change', false],
      ['create', true],
      ['remove', false],
    ]);
    expect(await applications()).toEqual(before);
  });
});

describe('a FusionAuth that fails half-way', () => {
  const names = Array.from({ length: 30 }, (_value, index) => `Client ${String(index)}`);

  /** Applies through a server that answers some requests by itself. */
  async function failing(
    interfere: (request: string) => CannedAnswer | undefined,
  ): Promise<{ outcome: Outcome; error: unknown }> {
    between = await startInterference(emulator.url, interfere);
    const clients = path.join(folder, 'clients.yaml');
    writeFileSync(clients, file(...names));
    const choice = await chooseCommand([
      'apply',
      clients,
      '--yes',
      '--json',
      '--fusionauth-url',
      between.url,
    ]);
    if (choice.command === 'overview') throw new Error('no command');
    let stdout = '';
    const invocation = choice.command.load(choice.argv, {});
    if (invocation.show !== 'nothing') throw new Error('no config');
    const error: unknown = await choice.command
      .run(invocation.config, { env: {}, terminal: emptyTerminal(), write: (text) => (stdout += text) })
      .catch((thrown: unknown) => thrown);
    return { outcome: JSON.parse(stdout) as Outcome, error };
  }

  async function checkResumed({ entries }: Outcome): Promise<void> {
    const done = entries.filter(({ outcome }) => outcome === 'done').length;
    const resumed = await applied(file(...names));
    expect(resumed.left).toBe(done);
    expect(resumed.entries).toHaveLength(names.length - done);
    const made = (await applications()).filter(({ name }) => name?.startsWith('Client '));
    expect(made).toHaveLength(names.length);
    for (const { scopes } of made) expect(scopes).toMatchObject([{ name: 'get_name' }]);
  }

  it('for one client tells that, makes the others, and is made whole by a second run', async () => {
    let scopes = 0;
    const { outcome, error } = await failing((request) =>
      request.includes('/scope/') && (scopes += 1) === 7 ? { status: 500 } : undefined,
    );
    expect(error).toMatchObject({ code: 'apply-incomplete', exitCode: 1 });
    const failed = outcome.entries.filter((entry) => entry.outcome !== 'done');
    expect(failed).toMatchObject([{ outcome: 'failed', error: { code: 'fusionauth-failed' } }]);
    await checkResumed(outcome);
  });

  it('for good is asked no further, and is made whole by a second run', async () => {
    let posts = 0;
    const { outcome, error } = await failing((request) =>
      request.startsWith('POST /api/application/') && !request.endsWith('/search') && (posts += 1) > 20
        ? { status: 401 }
        : undefined,
    );
    expect(error).toMatchObject({ code: 'apply-incomplete', exitCode: 1 });
    const count = (outcomeName: string): number =>
      outcome.entries.filter((entry) => entry.outcome === outcomeName).length;
    expect(count('failed')).toBeLessThanOrEqual(8);
    expect(count('not-begun')).toBeGreaterThan(0);
    expect(count('done') + count('failed') + count('not-begun')).toBe(names.length);
    await checkResumed(outcome);
  });
});
