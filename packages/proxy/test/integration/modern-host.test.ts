import { Client, LOG_LEVEL_META_KEY, type ClientOptions, type Progress } from '@modelcontextprotocol/client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LegacyServer } from '../../src/bridge/legacy-server.ts';
import { createModernHost } from '../../src/bridge/modern-host.ts';
import { ServerTransport } from '../../src/commands/server-transport.ts';
import { Endpoint, type TokenProvider } from '../../src/http/endpoint.ts';
import { createExchange } from '../../src/http/exchange.ts';
import { failureOf } from '../support/failure.ts';
import { networkSettings } from '../support/network-settings.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { v1Server, type V1Server } from '../support/v1-server.ts';

const anonymous: TokenProvider = {
  token: () => Promise.resolve(undefined),
  onUnauthorized: () => Promise.resolve(),
  onInsufficientScope: () => Promise.resolve(),
  onAccepted: () => undefined,
};

interface Scene {
  readonly client: Client;
  readonly server: V1Server;
  /** Calls a tool; gives what it says, as JSON. */
  readonly call: (name: string, args?: Record<string, unknown>) => Promise<unknown>;
}

/** A host of the SDK's second version in front of a server of its first one, with the translation between them. */
async function scene(options: ClientOptions): Promise<Scene> {
  const server = await v1Server();
  const { log } = recordedLog();
  const tokens = anonymous;
  const exchange = createExchange(networkSettings, {});
  const endpoint = new Endpoint(server.url, { tokens, headers: () => Promise.resolve([]), exchange, log });
  const client = new Client(
    { name: 'v2', version: '2.0.0' },
    { capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }, ...options },
  );
  let names = 0;
  client.setRequestHandler('elicitation/create', ({ params }) => {
    if (params.mode === 'url')
      return { action: params.url === 'https://example.com/' ? 'accept' : 'decline' };
    names += 1;
    return { action: 'accept', content: { name: `Ada ${names}` } };
  });
  client.setRequestHandler('sampling/createMessage', () => ({
    role: 'assistant',
    content: { type: 'text', text: 'Hello' },
    model: 'a model',
  }));
  client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///here' }] }));
  onTestFinished(() => client.close());
  await client.connect(
    new ServerTransport((toHost) =>
      createModernHost((onMessage) => new LegacyServer(endpoint, onMessage, log), { onMessage: toHost, log }),
    ),
  );
  await server.when('stream');
  return {
    client,
    server,
    call: async (name, args = {}) => {
      const { content } = await client.callTool({ name, arguments: args });
      const [first] = content;
      return first?.type === 'text' ? (JSON.parse(first.text) as unknown) : content;
    },
  };
}

describe.each([
  ['pinned to 2026-07-28', { pin: '2026-07-28' }],
  ['that finds out what is spoken', 'auto' as const],
])('a v2 host %s in front of a v1 server', (_case, mode) => {
  const connected = (options: ClientOptions = {}): Promise<Scene> =>
    scene({ versionNegotiation: { mode }, ...options });

  it('is connected in the modern era, in one session that it ends', async () => {
    const { client, server } = await connected();
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    expect(client.getServerVersion()).toMatchObject({ name: 'v1' });
    expect(client.getInstructions()).toBe('Ask nicely.');
    expect(client.getServerCapabilities()).toMatchObject({ logging: {}, resources: { subscribe: true } });
    expect(server.sessions()).toHaveLength(1);
    await client.close();
    expect(server.sessions()).toEqual([]);
  });

  it('gets lists, results, prompts, completions and resources', async () => {
    const { client, call } = await connected();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('ask_all');
    expect(await call('add', { a: 2, b: 3 })).toBe(5);
    expect((await client.listPrompts()).prompts).toMatchObject([{ name: 'greet' }]);
    expect(await client.getPrompt({ name: 'greet', arguments: { name: 'Bob' } })).toMatchObject({
      messages: [{ content: { text: 'Hello, Bob' } }],
    });
    const ref = { type: 'ref/prompt' as const, name: 'greet' };
    const { completion } = await client.complete({ ref, argument: { name: 'name', value: 'Al' } });
    expect(completion.values).toEqual(['Alan']);
    expect((await client.listResources()).resources).toMatchObject([{ uri: 'note:///1' }]);
    expect((await client.listResourceTemplates()).resourceTemplates).toEqual([]);
    expect((await client.readResource({ uri: 'note:///1' })).contents).toMatchObject([{ text: 'a note' }]);
  });

  it("gets the server's errors", async () => {
    const { client } = await connected();
    expect(await failureOf(() => client.getPrompt({ name: 'none' }))).toMatchObject({ code: -32_602 });
    expect(await failureOf(() => client.readResource({ uri: 'note:///2' }))).toMatchObject({ code: -32_602 });
    expect(await client.callTool({ name: 'none' })).toMatchObject({ isError: true });
  });

  it.each([false, true])('is asked during a call, be it on the stream of the server: %s', async (own) => {
    const { call } = await connected();
    expect(await call('ask_name', { own })).toEqual({ action: 'accept', content: { name: 'Ada 1' } });
  });

  it('is asked for everything at once, one after another, for an address, and for a prompt', async () => {
    const { call, client } = await connected();
    const words = { type: 'text', text: 'Hello' };
    expect(await call('ask_all')).toEqual([{ name: 'Ada 1' }, words, [{ uri: 'file:///here' }]]);
    expect(await call('ask_in_turn')).toEqual([{ name: 'Ada 2' }, { name: 'Ada 3' }, { name: 'Ada 4' }]);
    expect(await call('show_address')).toBe('accept');
    expect(await client.getPrompt({ name: 'greet', arguments: { name: 'ask' } })).toMatchObject({
      messages: [{ content: { text: 'Hello, Ada 5' } }],
    });
  });

  it('answers the questions of calls that wait side by side, each its own', async () => {
    const { call } = await connected();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => call('ask_name', { own: false })));
    const names = answers.map((answer) => (answer as { content: { name: string } }).content.name);
    expect(names.sort()).toEqual(['Ada 1', 'Ada 2', 'Ada 3', 'Ada 4', 'Ada 5']);
  });

  it('hears of progress, after it was asked too, and of what is logged from the level on that it wants', async () => {
    const { client } = await connected();
    const progress: Progress[] = [];
    const logged: unknown[] = [];
    client.setNotificationHandler('notifications/message', ({ params }) => void logged.push(params));
    const onprogress = (each: Progress): void => void progress.push(each);
    const report = { name: 'report', _meta: { [LOG_LEVEL_META_KEY]: 'warning' } };
    await client.callTool(report, { onprogress });
    await client.callTool({ name: 'report' });
    expect(progress).toEqual([
      { progress: 1, total: 2 },
      { progress: 2, total: 2 },
    ]);
    expect(logged).toEqual([{ level: 'warning', data: 'a warning' }]);
    progress.splice(0);
    await client.callTool({ name: 'ask_in_turn' }, { onprogress });
    const told = progress.filter(({ message }) => message === 'before a question');
    expect(told.map(({ progress: step }) => step)).toEqual([1, 2, 3]);
  });

  it('ends the work at the server when it cancels a call', async () => {
    const { client, server } = await connected();
    const cancel = new AbortController();
    const call = client.callTool({ name: 'wait' }, { signal: cancel.signal });
    call.catch(() => undefined);
    await server.when('waiting');
    cancel.abort(new Error('the user said so'));
    await failureOf(() => call);
    await server.when('aborted');
  });

  it('hears of lists that change, without asking for it otherwise than it does', async () => {
    let onChange: (tools: readonly string[]) => void = () => undefined;
    const changed = new Promise<readonly string[]>((resolve) => {
      onChange = resolve;
    });
    const { call } = await connected({
      listChanged: {
        tools: {
          debounceMs: 0,
          onChanged: (_error, tools) => {
            onChange((tools ?? []).map(({ name }) => name));
          },
        },
      },
    });
    await call('grow');
    expect((await changed).some((name) => name.startsWith('grown-'))).toBe(true);
  });

  it('hears of a resource that it listens for, for as long as it does', async () => {
    const { client, server } = await connected();
    const updated: string[] = [];
    let onUpdate = (): void => undefined;
    const heard = new Promise<void>((resolve) => {
      onUpdate = resolve;
    });
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      updated.push(params.uri);
      onUpdate();
    });
    const subscription = await client.listen({ resourceSubscriptions: ['note:///1'] });
    expect(subscription.honoredFilter).toEqual({ resourceSubscriptions: ['note:///1'] });
    await server.touch('note:///other');
    await server.touch('note:///1');
    await heard;
    await subscription.close();
    await server.when('unsubscribe note:///1');
    expect(updated).toEqual(['note:///1']);
    expect(server.deeds.filter((deed) => deed.includes('note'))).toEqual([
      'subscribe note:///1',
      'unsubscribe note:///1',
    ]);
  });
});
