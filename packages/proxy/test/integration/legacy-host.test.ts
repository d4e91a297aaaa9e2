import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
  type ClientCapabilities,
  type ElicitRequest,
  type Progress,
} from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EraChooser } from '../../src/bridge/era-chooser.ts';
import { noMemory } from '../../src/bridge/remembered-server.ts';
import { ServerTransport } from '../../src/commands/server-transport.ts';
import { Endpoint, type TokenProvider } from '../../src/http/endpoint.ts';
import { createExchange } from '../../src/http/exchange.ts';
import { failureOf } from '../support/failure.ts';
import { networkSettings } from '../support/network-settings.ts';
import { recordedLog, type RecordedLog } from '../support/recorded-log.ts';
import { v2Server, type V2Server } from '../support/v2-server.ts';

const anonymous: TokenProvider = {
  token: () => Promise.resolve(undefined),
  onUnauthorized: () => Promise.resolve(),
  onInsufficientScope: () => Promise.resolve(),
  onAccepted: () => undefined,
};

interface Scene {
  readonly client: Client;
  readonly server: V2Server;
  readonly log: RecordedLog;
  /** What the host was asked by elicitation. */
  readonly asked: ElicitRequest['params'][];
  /** Calls a tool; gives what it says, as JSON. */
  readonly call: (name: string, args?: Record<string, unknown>) => Promise<unknown>;
}

const able: ClientCapabilities = {
  elicitation: { form: {}, url: {} },
  sampling: {},
  roots: { listChanged: true },
};

/** A host of the SDK's first version in front of a server of its second one, with the translation between them. */
async function scene(legacy: 'reject' | 'stateless', capabilities: ClientCapabilities): Promise<Scene> {
  const server = await v2Server(legacy);
  const log = recordedLog();
  const endpoint = new Endpoint(server.url, {
    tokens: anonymous,
    headers: () => Promise.resolve([]),
    exchange: createExchange(networkSettings, {}),
    log: log.log,
  });
  const client = new Client({ name: 'v1', version: '1.0.0' }, { capabilities });
  const asked: ElicitRequest['params'][] = [];
  if (capabilities.elicitation !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params);
      if (params.mode === 'url') return { action: 'accept' };
      const names = asked.filter(({ mode }) => mode !== 'url').length;
      return { action: 'accept', content: { name: `Ada ${names}` } };
    });
  }
  if (capabilities.sampling !== undefined) {
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant',
      content: { type: 'text', text: 'Hello' },
      model: 'a model',
    }));
  }
  if (capabilities.roots !== undefined) {
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///here' }] }));
  }
  onTestFinished(() => client.close());
  const transport = new ServerTransport(
    (onMessage) => new EraChooser({ endpoint, memory: noMemory, onMessage, log: log.log }),
  );
  await client.connect(transport);
  await server.whenListening(1);
  return {
    client,
    server,
    log,
    asked,
    call: async (name, args = {}) => {
      const { content } = await client.callTool({ name, arguments: args });
      const [first] = content as { type: string; text?: string }[];
      return first?.text === undefined ? content : (JSON.parse(first.text) as unknown);
    },
  };
}

describe.each([
  ['of the modern era alone', 'reject' as const],
  ['of both eras', 'stateless' as const],
])('a v1 host in front of a v2 server %s', (_case, legacy) => {
  const connected = (capabilities = able): Promise<Scene> => scene(legacy, capabilities);

  it('is connected in the legacy era, while the server knows the modern one alone', async () => {
    const { client, server } = await connected();
    expect(client.getServerVersion()).toMatchObject({ name: 'v2', version: '2.0.0' });
    expect(client.getInstructions()).toBe('Ask nicely.');
    expect(client.getServerCapabilities()).toMatchObject({
      logging: {},
      tools: { listChanged: true },
      resources: { subscribe: true },
    });
    await client.ping();
    await client.sendRootsListChanged();
    await client.listTools();
    expect(new Set(server.posted.map(({ headers }) => headers['mcp-protocol-version']))).toEqual(
      new Set(['2026-07-28']),
    );
    expect(server.posted.map(({ method }) => method)).toEqual([
      'server/discover',
      'server/discover',
      'subscriptions/listen',
      'tools/list',
    ]);
    const { params } = server.posted.at(-1) ?? {};
    expect(params?.['_meta']).toEqual({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'v1', version: '1.0.0' },
      'io.modelcontextprotocol/clientCapabilities': { ...able, roots: {} },
    });
  });

  it('gets lists, results, prompts, completions and resources', async () => {
    const { client, call, log } = await connected();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('ask_all');
    expect(tools.map(({ name }) => name)).not.toContain('invalid');
    expect(log.text()).toContain('warning: the tool invalid is left out');
    expect(await call('where', { region: 'Zürich' })).toBe('Zürich');
    expect(await client.callTool({ name: 'list_numbers' })).toMatchObject({
      structuredContent: { result: [1, 2] },
    });
    expect((await client.listPrompts()).prompts).toMatchObject([{ name: 'greet' }]);
    expect(await client.getPrompt({ name: 'greet', arguments: { name: 'Bob' } })).toEqual({
      messages: [{ role: 'user', content: { type: 'text', text: 'Hello, Bob' } }],
    });
    const ref = { type: 'ref/prompt' as const, name: 'greet' };
    const { completion } = await client.complete({ ref, argument: { name: 'name', value: 'Al' } });
    expect(completion.values).toEqual(['Alan']);
    expect((await client.listResources()).resources).toHaveLength(2);
    expect((await client.listResourceTemplates()).resourceTemplates).toEqual([]);
    expect(await client.readResource({ uri: 'note:///1' })).toEqual({
      contents: [{ uri: 'note:///1', text: 'a note' }],
    });
  });

  it('need not list a tool to have its arguments told in headers', async () => {
    const { call, server } = await connected();
    expect(await call('where', { region: ' padded ' })).toBe(' padded ');
    expect(server.posted.at(-1)?.headers['mcp-param-region']).toBe('=?base64?IHBhZGRlZCA=?=');
  });

  it("gets the server's errors", async () => {
    const { client } = await connected();
    expect(await failureOf(() => client.getPrompt({ name: 'none' }))).toMatchObject({ code: -32_602 });
    expect(await failureOf(() => client.readResource({ uri: 'note:///2' }))).toMatchObject({ code: -32_602 });
    expect(await failureOf(() => client.callTool({ name: 'none' }))).toMatchObject({ code: -32_602 });
  });

  it('is asked by requests: for a form, a completion of a model, its roots, and to show an address', async () => {
    const { client, call, asked } = await connected();
    expect(await call('ask_name')).toEqual({ who: { action: 'accept', content: { name: 'Ada 1' } } });
    expect(await call('ask_all')).toEqual({
      who: { action: 'accept', content: { name: 'Ada 2' } },
      words: { role: 'assistant', content: { type: 'text', text: 'Hello' }, model: 'a model' },
      where: { roots: [{ uri: 'file:///here' }] },
    });
    expect(await call('show_address')).toEqual({ shown: { action: 'accept' } });
    expect(asked.at(-1)).toMatchObject({
      url: 'https://example.com/',
      elicitationId: expect.any(String) as string,
    });
    const prompt = await client.getPrompt({ name: 'greet', arguments: { name: 'ask' } });
    expect(JSON.stringify(prompt)).toContain('Ada 3');
    expect((await client.readResource({ uri: 'note:///secret' })).contents).toMatchObject([
      { text: 'a secret' },
    ]);
  });

  it('is asked as often as the server likes, which keeps its state with the host', async () => {
    const { client, server, call } = await connected();
    const progress: Progress[] = [];
    const onprogress = (each: Progress): void => void progress.push(each);
    await client.callTool({ name: 'ask_in_turn' }, undefined, { onprogress });
    expect(progress.map(({ progress: step }) => step)).toEqual([1, 2, 3]);
    const calls = server.posted.filter(({ method }) => method === 'tools/call');
    expect(new Set(calls.map(({ id }) => id)).size).toBe(4);
    expect(await call('ask_in_turn')).toHaveLength(3);
    expect(await call('busy')).toBe('done');
  });

  it('answers the questions of calls that wait side by side, each its own', async () => {
    const { call, asked } = await connected();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => call('ask_name')));
    const names = answers.map(
      (answer) => (answer as { who: { content: { name: string } } }).who.content.name,
    );
    expect(names.sort()).toEqual(['Ada 1', 'Ada 2', 'Ada 3', 'Ada 4', 'Ada 5']);
    expect(asked).toHaveLength(5);
  });

  it('is not asked for what it cannot do: the server is told so, and refuses', async () => {
    const { client } = await connected({});
    const failure = await failureOf(() => client.callTool({ name: 'ask_name' }));
    expect(failure).toMatchObject({ code: -32_021 });
  });

  it('hears of progress, and of what is logged from the level on that it has set', async () => {
    const { client } = await connected();
    const progress: Progress[] = [];
    const logged: unknown[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logged.push(params));
    await client.callTool({ name: 'report' });
    expect(logged).toEqual([]);
    await client.setLoggingLevel('warning');
    const onprogress = (each: Progress): void => void progress.push(each);
    await client.callTool({ name: 'report' }, undefined, { onprogress });
    expect(progress).toEqual([
      { progress: 1, total: 2 },
      { progress: 2, total: 2 },
    ]);
    expect(logged).toEqual([{ level: 'warning', data: 'a warning' }]);
  });

  it('ends the work at the server when it cancels a call', async () => {
    const { client, server } = await connected();
    const cancel = new AbortController();
    const call = client.callTool({ name: 'wait' }, undefined, { signal: cancel.signal });
    call.catch(() => undefined);
    await server.when('waiting');
    cancel.abort(new Error('the user said so'));
    await failureOf(() => call);
    await server.when('aborted');
    expect(server.posted.map(({ method }) => method)).not.toContain('notifications/cancelled');
  });

  it('hears of lists that change, and after every connection was cut too', async () => {
    const { client, server, call } = await connected();
    let onChange = (): void => undefined;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      onChange();
    });
    for (let turn = 1; turn <= 2; turn += 1) {
      const changed = new Promise<void>((resolve) => {
        onChange = resolve;
      });
      await call('grow');
      await changed;
      const { tools } = await client.listTools();
      expect(tools.filter(({ name }) => name.startsWith('grown-'))).toHaveLength(turn);
      if (turn === 2) break;
      server.cut();
      await server.whenListening(0);
      await server.whenListening(1);
    }
  });

  it('hears of a resource that it has subscribed to, for as long as it has', async () => {
    const { client, server } = await connected();
    const updated: string[] = [];
    let onUpdate = (): void => undefined;
    const heard = new Promise<void>((resolve) => {
      onUpdate = resolve;
    });
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      updated.push(params.uri);
      onUpdate();
    });
    await client.subscribeResource({ uri: 'note:///1' });
    await server.whenListening(1);
    server.touch('note:///other');
    server.touch('note:///1');
    await heard;
    await client.unsubscribeResource({ uri: 'note:///1' });
    await server.whenListening(1);
    server.touch('note:///1');
    await client.listTools();
    expect(updated).toEqual(['note:///1']);
  });

  it('leaves nothing open at the server when it goes', async () => {
    const { client, server } = await connected();
    const call = client.callTool({ name: 'wait' });
    call.catch(() => undefined);
    await server.when('waiting');
    await client.close();
    await Promise.all([server.when('aborted'), server.whenListening(0)]);
  });
});
