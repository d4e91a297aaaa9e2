import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Message, type JsonObject } from '../src/bridge/message.ts';
import { Reception } from '../src/bridge/reception.ts';
import {
  createServerMemory,
  forgetServer,
  noMemory,
  type ServerMemory,
} from '../src/bridge/remembered-server.ts';
import { openConnection } from '../src/proxy.ts';
import { StateFolder } from '../src/state-folder.ts';
import { accountOf } from '../src/token-store/token-store.ts';
import { result } from './support/bent-server.ts';
import type { Message as RpcMessage } from './support/bridged-host.ts';
import { loopbackServer, sendJson } from './support/loopback-server.ts';
import { recordedLog } from './support/recorded-log.ts';
import { configOf } from './support/sign-in-commands.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const server = 'https://mcp.example.com/mcp';
const account = accountOf({ server, clientId: 'client', profile: 'default' });
const greeting = { protocolVersion: '2025-11-25', capabilities: { tools: {} } };
const page = (name: string): JsonObject => ({ tools: [{ name }] });

/** A state folder, and the memories of processes that use it. */
async function machine() {
  const folder = new StateFolder(path.join(await temporaryFolder(), 'state'));
  const recorded = recordedLog();
  const { log } = recorded;
  return {
    folder,
    recorded,
    /** As a new process has it. */
    memory: (of = account): ServerMemory => createServerMemory(folder, of, log),
    forget: (of = account) => forgetServer(folder, of),
    files: async (): Promise<string[]> =>
      (await readdir(folder.path)).map((name) => path.join(folder.path, name)),
  };
}

/** A machine whose one file of this kind has a text. */
async function machineWith(text: string) {
  const made = await machine();
  const writing = made.memory();
  writing.rememberEra('modern');
  await writing.flush();
  const [file = ''] = await made.files();
  await writeFile(file, text.replace('ACCOUNT', JSON.stringify(account)));
  return { ...made, file };
}

describe('the memory of a server', () => {
  it('knows nothing at first, and in the next process what was learned', async () => {
    const { memory } = await machine();
    const first = memory();
    expect(await first.facts()).toEqual({});
    first.rememberEra('legacy');
    first.rememberGreeting('legacy', greeting);
    first.rememberGreeting('modern', { supportedVersions: ['2026-07-28'] });
    first.rememberPage('tools/list', '', page('one'));
    first.rememberPage('tools/list', 'next', page('two'));
    first.rememberPage('prompts/list', '', { prompts: [] });
    const facts = {
      era: 'legacy',
      greetings: { legacy: greeting, modern: { supportedVersions: ['2026-07-28'] } },
      lists: {
        'tools/list': { '': page('one'), next: page('two') },
        'prompts/list': { '': { prompts: [] } },
      },
    };
    // At once in this one, after writing in the next.
    expect(await first.facts()).toEqual(facts);
    await first.flush();
    expect(await memory().facts()).toEqual(facts);
  });

  it('forgets the other pages of a list with its first one', async () => {
    const { memory } = await machine();
    const first = memory();
    first.rememberPage('tools/list', '', page('one'));
    first.rememberPage('tools/list', 'next', page('two'));
    first.rememberPage('tools/list', '', page('new'));
    await first.flush();
    expect((await memory().facts()).lists).toEqual({ 'tools/list': { '': page('new') } });
  });

  it('is written without being asked to, soon after the last change', async () => {
    const { memory, files } = await machine();
    const writing = memory();
    writing.rememberEra('modern');
    await expect.poll(() => files().catch(() => []), { timeout: 3_000 }).toHaveLength(1);
    expect((await memory().facts()).era).toBe('modern');
    // Nothing new is nothing to write.
    const [file = ''] = await files();
    const { mtimeMs } = await stat(file);
    writing.rememberEra('modern');
    await writing.flush();
    expect((await stat(file)).mtimeMs).toBe(mtimeMs);
  });

  it('leaves out lists that are too large, and keeps the rest, in this process too', async () => {
    const { memory } = await machine();
    const first = memory();
    first.rememberPage('tools/list', '', page('one'));
    first.rememberPage('tools/list', '', page('x'.repeat(9 << 20)));
    first.rememberPage('tools/list', 'next', page('two'));
    first.rememberPage('prompts/list', '', { prompts: [] });
    first.rememberEra('modern');
    const known = { era: 'modern', lists: { 'prompts/list': { '': { prompts: [] } } } };
    expect(await first.facts()).toEqual(known);
    await first.flush();
    expect(await memory().facts()).toEqual(known);
  });

  it('forgets a list whose pages together are too large, and begins anew with its first page', async () => {
    const { memory } = await machine();
    const first = memory();
    first.rememberPage('tools/list', '', page('one'));
    first.rememberPage('tools/list', '2', page('x'.repeat(5 << 20)));
    first.rememberPage('prompts/list', '', { prompts: [] });
    first.rememberPage('tools/list', '3', page('y'.repeat(5 << 20)));
    first.rememberPage('tools/list', '4', page('four'));
    expect((await first.facts()).lists).toEqual({ 'prompts/list': { '': { prompts: [] } } });
    first.rememberPage('tools/list', '', page('one'));
    expect((await first.facts()).lists?.['tools/list']).toEqual({ '': page('one') });
  });

  it('counts what another process has written', async () => {
    const { memory } = await machine();
    const earlier = memory();
    earlier.rememberPage('prompts/list', '', page('x'.repeat(5 << 20)));
    await earlier.flush();
    const later = memory();
    later.rememberPage('tools/list', '', page('y'.repeat(5 << 20)));
    expect(Object.keys((await later.facts()).lists ?? {})).toEqual(['prompts/list']);
  });

  it('writes nothing for a list that is too large again', async () => {
    const { memory, files } = await machine();
    const writing = memory();
    writing.rememberEra('modern');
    await writing.flush();
    const [file = ''] = await files();
    const { mtimeMs } = await stat(file);
    writing.rememberPage('tools/list', '', page('x'.repeat(9 << 20)));
    await writing.flush();
    expect((await stat(file)).mtimeMs).toBe(mtimeMs);
  });

  it('is nothing where nothing is to be remembered', async () => {
    noMemory.rememberEra('modern');
    noMemory.rememberGreeting('modern', greeting);
    noMemory.rememberPage('tools/list', '', page('one'));
    await noMemory.flush();
    expect(await noMemory.facts()).toEqual({});
  });
});

describe('its file', () => {
  it.skipIf(process.platform === 'win32')(
    'is for its user only (Windows has no modes: skipped there)',
    async () => {
      const { memory, files } = await machine();
      const writing = memory();
      writing.rememberEra('modern');
      await writing.flush();
      const [file = ''] = await files();
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      // Also when it is written again.
      writing.rememberEra('legacy');
      await writing.flush();
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    },
  );

  it('has no name of the server in its own name, and one length', async () => {
    const { memory, files } = await machine();
    for (const of of [account, `${account} profile ${'x'.repeat(300)}`]) {
      const writing = memory(of);
      writing.rememberEra('modern');
      await writing.flush();
    }
    const names = (await files()).map((file) => path.basename(file));
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^server-[\da-f]{16}\.json$/u);
  });

  it('has what the server says of itself in it, and nothing secret', async () => {
    const folder = await temporaryFolder();
    const secrets = ['secret-token', 'secret-header', 'secret-cookie', 'secret-argument', 'secret-answer'];
    const http = await loopbackServer(({ method, body }, response) => {
      if (method !== 'POST') {
        response.writeHead(405).end();
        return;
      }
      const { id, method: name } = JSON.parse(body) as RpcMessage;
      const answers: Record<string, Record<string, unknown>> = {
        initialize: { ...greeting, serverInfo: { name: 'shown', version: '1' } },
        'tools/list': page('shown-too'),
        'tools/call': { content: [{ type: 'text', text: 'secret-answer' }] },
      };
      if (id === undefined) response.writeHead(202).end();
      else {
        const headers = { 'set-cookie': 'a=secret-cookie', 'mcp-session-id': 'secret-session' };
        sendJson(response, 200, result(id, answers[name ?? ''] ?? {}), headers);
      }
    });
    const url = new URL('/mcp', http.url);
    const own = ['--header', 'Authorization: Bearer secret-token', '--header', 'X-Key: secret-header'];
    const config = configOf(folder, [url.href, '--protocol', 'legacy', ...own]);
    const { log } = recordedLog();
    const { signal } = new AbortController();
    const connection = openConnection(config, url, log, signal);
    const onMessage = (): void => undefined;
    const side = new Reception(connection.openSide(onMessage), {
      ...connection,
      server: url,
      onMessage,
      visible: undefined,
      log,
    });
    onTestFinished(() => side.close());
    const request = (id: string, method: string, params: JsonObject): Promise<Message> =>
      side.request(Message.request(id, method, params), { signal, onMessage });
    const clientInfo = { name: 'host', version: '1' };
    await request('1', 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    await side.notify(Message.notification('notifications/initialized'));
    await request('2', 'tools/list', {});
    await request('3', 'tools/call', { name: 'shown-too', arguments: { a: 'secret-argument' } });
    await side.close();
    // They were said, and so could be there.
    const said = http.requests.map(({ headers, body }) => JSON.stringify(headers) + body).join('\n');
    for (const secret of secrets.slice(0, 4)) expect(said).toContain(secret);
    const names = (await readdir(folder)).filter((name) => name.startsWith('server-'));
    expect(names).toHaveLength(1);
    for (const name of await readdir(folder)) {
      const text = await readFile(path.join(folder, name), 'utf8');
      if (name === names[0]) expect(text).toMatch(/shown.*shown-too/su);
      for (const secret of [...secrets, 'secret-session']) expect(text).not.toContain(secret);
    }
  });

  it('is dropped with the sign-in, and can be dropped twice', async () => {
    const { memory, forget, files } = await machine();
    const writing = memory();
    writing.rememberEra('modern');
    await writing.flush();
    await forget();
    await forget();
    expect(await files()).toEqual([]);
    expect(await memory().facts()).toEqual({});
  });

  it.each([
    ['another client', { server, clientId: 'other', profile: 'default' }],
    ['another profile', { server, clientId: 'client', profile: 'work' }],
    ['another server', { server: 'https://mcp.example.com/mcp2', clientId: 'client', profile: 'default' }],
    ['no client', { server, clientId: '', profile: 'default' }],
  ])('is not that of %s', async (_who, key) => {
    const { memory, forget } = await machine();
    const other = accountOf(key);
    const writing = memory();
    writing.rememberPage('tools/list', '', page('mine'));
    await writing.flush();
    expect(await memory(other).facts()).toEqual({});
    const others = memory(other);
    others.rememberPage('tools/list', '', page('theirs'));
    await others.flush();
    await forget(other);
    expect((await memory().facts()).lists).toEqual({ 'tools/list': { '': page('mine') } });
    expect(await memory(other).facts()).toEqual({});
  });

  it.each([
    ['is empty', ''],
    ['ends early', '{"format":1,"account":ACCOUNT,"facts":{"era":"leg'],
    ['is no JSON', '\0\0\0\0'],
    ['is JSON of something else', '[1,2]'],
    ['has no facts', '{"format":1,"account":ACCOUNT,"facts":7}'],
    ['is of another format', '{"format":2,"account":ACCOUNT,"facts":{"era":"legacy"}}'],
    ['is of another account', '{"format":1,"account":"https://evil.example.com","facts":{"era":"legacy"}}'],
  ])('counts as nothing when it %s, and is replaced', async (_how, text) => {
    const { memory, recorded } = await machineWith(text);
    const next = memory();
    expect(await next.facts()).toEqual({});
    expect(recorded.lines.filter((line) => !line.includes(' debug: '))).toEqual([]);
    next.rememberEra('legacy');
    await next.flush();
    expect(await memory().facts()).toEqual({ era: 'legacy' });
    // The twin: a whole one is read.
    const whole = await machineWith('{"format":1,"account":ACCOUNT,"facts":{"era":"legacy"}}');
    expect(await whole.memory().facts()).toEqual({ era: 'legacy' });
  });

  it('that cannot be read or written ends nothing', async () => {
    const { folder, memory, recorded } = await machine();
    // A file is where the folder should be.
    await mkdir(path.dirname(folder.path), { recursive: true });
    await writeFile(folder.path, '');
    const blind = memory();
    expect(await blind.facts()).toEqual({});
    blind.rememberEra('modern');
    await blind.flush();
    expect(await blind.facts()).toEqual({ era: 'modern' });
    expect(recorded.text()).toContain('cannot be kept');
  });
});
