import { describe, expect, it } from 'vitest';
import { Message, type JsonObject } from '../src/bridge/message.ts';
import { HostCancelled } from '../src/bridge/server-side.ts';
import { errors } from '../src/errors.ts';
import { failureOf } from './support/failure.ts';
import { complete, envelope, legacyScene, serverInfo, url } from './support/modern-side.ts';

const text: JsonObject = { content: [{ type: 'text', text: 'done' }] };
const logLevelKey = 'io.modelcontextprotocol/logLevel';

describe('the greeting of a legacy host', () => {
  it('is made of server/discover', async () => {
    const capabilities = {
      tools: { listChanged: true },
      resources: { subscribe: true },
      logging: {},
      tasks: {},
      experimental: { x: {} },
    };
    const { initialize, received } = legacyScene({}, { capabilities });
    const own = {
      roots: { listChanged: true },
      elicitation: { url: {} },
      tasks: {},
      experimental: { y: {} },
    };
    expect(await initialize({ capabilities: own, _meta: { traceparent: '00-1' } })).toEqual({
      protocolVersion: '2025-06-18',
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true },
        logging: {},
        experimental: { x: {} },
      },
      serverInfo,
      instructions: 'Be brief.',
    });
    expect(received.map(({ json }) => json)).toEqual([
      {
        jsonrpc: '2.0',
        id: 'init',
        method: 'server/discover',
        params: {
          _meta: {
            traceparent: '00-1',
            ...envelope({ roots: {}, elicitation: { url: {} }, experimental: { y: {} } }),
          },
        },
      },
    ]);
  });

  it.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-06-18', '2025-06-18'],
    ['2025-11-25', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['1999-01-01', '2025-11-25'],
    [undefined, '2025-11-25'],
  ])('agrees on a version of its era: %s is answered with %s', async (protocolVersion, agreed) => {
    expect(await legacyScene().initialize({ protocolVersion })).toMatchObject({ protocolVersion: agreed });
  });

  it.each([
    [
      'in the result itself',
      { serverInfo: { name: 'Early', version: '0' } },
      { name: 'Early', version: '0' },
    ],
    ['without a version', { serverInfo: { name: 'Early' } }, { name: 'Early', version: 'unknown' }],
    ['nowhere', {}, { name: 'MCP server', version: 'unknown' }],
  ])('names the server, whose name stands %s', async (_case, discovery, named) => {
    const { initialize } = legacyScene({ 'server/discover': () => ({ capabilities: {}, ...discovery }) });
    expect(await initialize()).toEqual({
      protocolVersion: '2025-06-18',
      capabilities: {},
      serverInfo: named,
    });
  });

  it('is refused as the server refuses it', async () => {
    const error = {
      code: -32_022,
      message: 'Unsupported protocol version',
      data: { supported: ['2027-01-01'] },
    };
    const { send } = legacyScene({ 'server/discover': () => ({ error }) });
    expect((await send(0, 'initialize').answer).json).toEqual({ jsonrpc: '2.0', id: 0, error });
  });

  it('names Keyhole to the server when the host does not say who it is', async () => {
    const { initialize, received } = legacyScene();
    await initialize({ clientInfo: { version: '1' } });
    expect(received[0]?.meta).toMatchObject({
      'io.modelcontextprotocol/clientInfo': { name: 'mcp-keyhole', version: 'development' },
    });
  });
});

describe('a request of a legacy host', () => {
  it('says who sends it, and keeps what it says itself', async () => {
    const { initialize, send, received } = legacyScene({ 'tools/call': () => ({ ...complete, ...text }) });
    await initialize({ capabilities: { sampling: {} } });
    const _meta = { progressToken: 7, traceparent: '00-1' };
    await send('c', 'tools/call', { name: 'x', arguments: { y: null }, odd: [1], _meta }).result;
    expect(received.at(-1)?.json).toEqual({
      jsonrpc: '2.0',
      id: 'c',
      method: 'tools/call',
      params: {
        name: 'x',
        arguments: { y: null },
        odd: [1],
        _meta: { ..._meta, ...envelope({ sampling: {} }) },
      },
    });
  });

  it.each([0, '', 'a', -3])('gets its answer under its own id: %j', async (id) => {
    const { send } = legacyScene({ 'x/y': () => ({ resultType: 'complete', z: 1 }) });
    expect((await send(id, 'x/y').answer).json).toEqual({ jsonrpc: '2.0', id, result: { z: 1 } });
  });

  it('gets a result without what only a modern host knows', async () => {
    const tools = [{ name: 'a', inputSchema: { type: 'object' }, 'x-odd': true }];
    const list = { tools, nextCursor: 'n', odd: 1, ttlMs: 60_000, cacheScope: 'public' };
    const { send } = legacyScene({
      'tools/list': () => ({ ...complete, ...list }),
      'resources/read': () => ({
        ...complete,
        contents: [],
        ttlMs: 1,
        _meta: { own: 1, ...complete._meta },
      }),
      'tools/call': () => ({ ...complete, ...text, ttlMs: 'a field of the tool' }),
    });
    expect(await send(1, 'tools/list').result).toEqual({ tools, nextCursor: 'n', odd: 1 });
    expect(await send(2, 'resources/read').result).toEqual({ contents: [], _meta: { own: 1 } });
    expect(await send(3, 'tools/call').result).toEqual({ ...text, ttlMs: 'a field of the tool' });
  });

  it('gets a result without type as it is, and keeps a type that nobody knows', async () => {
    const { send } = legacyScene({
      'tools/call': ({ message }) => (message.id === 1 ? text : { resultType: 'task' }),
    });
    expect(await send(1, 'tools/call').result).toEqual(text);
    expect(await send(2, 'tools/call').result).toEqual({ resultType: 'task' });
  });

  it('gets tools without output schemas that its era does not have', async () => {
    const inputSchema = { type: 'object' };
    const tools = [
      { name: 'object', inputSchema, outputSchema: { type: 'object', properties: {} } },
      { name: 'array', inputSchema, outputSchema: { type: 'array' } },
      { name: 'any', inputSchema, outputSchema: { anyOf: [{ type: 'object' }] } },
      { name: 'none', inputSchema },
    ];
    const { send } = legacyScene({ 'tools/list': () => ({ ...complete, tools }) });
    expect(await send(1, 'tools/list').result).toEqual({
      tools: [tools[0], { name: 'array', inputSchema }, { name: 'any', inputSchema }, tools[3]],
    });
  });

  it.each([
    ['an array', [1, 2]],
    ['a number', 0],
    ['null', null],
  ])('gets structured content that is %s in an object, and as text', async (_case, structuredContent) => {
    const works = { 'tools/call': () => ({ ...complete, content: [], structuredContent }) };
    expect(await legacyScene(works).send(1, 'tools/call').result).toEqual({
      content: [{ type: 'text', text: JSON.stringify(structuredContent) }],
      structuredContent: { result: structuredContent },
    });
  });

  it('gets structured content that is an object, or stands as text already, as it is', async () => {
    const object = { ...text, structuredContent: { a: 1 } };
    const outcomes = [object, { ...text, structuredContent: [1] }];
    const { send } = legacyScene({ 'tools/call': () => ({ ...complete, ...outcomes.shift() }) });
    expect(await send(1, 'tools/call').result).toEqual(object);
    expect(await send(2, 'tools/call').result).toEqual({ ...text, structuredContent: { result: [1] } });
  });

  it("gets the server's errors as they are", async () => {
    const error = {
      code: -32_021,
      message: 'Missing capability',
      data: { requiredCapabilities: { sampling: {} } },
    };
    const { send } = legacyScene({ 'tools/call': () => ({ error }) });
    expect((await send(9, 'tools/call').answer).json).toEqual({ jsonrpc: '2.0', id: 9, error });
  });

  it('fails with what happened to it on its way', async () => {
    const { send } = legacyScene({ 'tools/call': () => Promise.reject(errors.answerLost(url)) });
    expect(await failureOf(() => send(1, 'tools/call').answer)).toMatchObject({ code: 'answer-lost' });
  });

  it('gets what the server tells on the way unchanged, and nothing that no modern server sends', async () => {
    const progress = Message.notification('notifications/progress', {
      progressToken: 1,
      progress: 1,
      _meta: { a: 1 },
    });
    const logged = Message.notification('notifications/message', { level: 'info', data: { x: 1 } });
    const { send } = legacyScene({
      'tools/call': async ({ say }) => {
        await say(progress);
        await say(Message.request(1, 'roots/list'));
        await say(Message.result(3, {}));
        await say(logged);
        return { ...complete, ...text };
      },
    });
    const call = send(1, 'tools/call');
    await call.result;
    expect(call.heard).toEqual([progress, logged]);
  });

  it('is cancelled by ending its exchange', async () => {
    const { send, aborted, until, received } = legacyScene({
      'tools/call': () => new Promise(() => undefined),
    });
    const call = send(1, 'tools/call');
    await until(() => received.length > 0);
    call.cancel();
    expect(await failureOf(() => call.answer)).toBeInstanceOf(HostCancelled);
    expect(aborted).toEqual([expect.any(HostCancelled)]);
    expect(received).toHaveLength(1);
  });

  it('ends when all ends, and is not begun afterwards', async () => {
    const { side, send, until, received } = legacyScene({ 'tools/call': () => new Promise(() => undefined) });
    const call = send(1, 'tools/call');
    await until(() => received.length > 0);
    await side.close();
    expect(await failureOf(() => call.answer)).toMatchObject({ code: 'shutting-down' });
    expect(await failureOf(() => send(2, 'tools/list').answer)).toMatchObject({ code: 'shutting-down' });
    expect(received).toHaveLength(1);
  });
});

describe('what the modern era has done away with', () => {
  it('is answered here: ping', async () => {
    const { send, received } = legacyScene();
    expect(await send(1, 'ping').result).toEqual({});
    expect(received).toEqual([]);
  });

  it('is answered here: the log level, which each further request tells', async () => {
    const { initialize, send, received } = legacyScene({ 'tools/call': () => complete });
    await initialize();
    await send(1, 'tools/call').result;
    expect(await send(2, 'logging/setLevel', { level: 'warning' }).result).toEqual({});
    await send(3, 'tools/call').result;
    await send(4, 'logging/setLevel', { level: 'debug' }).result;
    await send(5, 'tools/call').result;
    expect(received.slice(1).map(({ id, meta }) => [id, meta[logLevelKey]])).toEqual([
      [1, undefined],
      [3, 'warning'],
      [5, 'debug'],
    ]);
  });

  it.each(['loud', 7, undefined])('refuses a log level that there is none of: %j', async (level) => {
    const { send, received } = legacyScene({ 'tools/call': () => complete });
    expect((await send(1, 'logging/setLevel', { level }).answer).error).toMatchObject({ code: -32_602 });
    await send(2, 'tools/call').result;
    expect(received[0]?.meta).not.toHaveProperty([logLevelKey]);
  });

  it.each([
    'notifications/initialized',
    'notifications/cancelled',
    'notifications/roots/list_changed',
    'notifications/progress',
  ])('is dropped: %s', async (method) => {
    const { initialize, notify, received } = legacyScene();
    await initialize();
    await notify(method, { requestId: 99 });
    expect(received).toHaveLength(1);
  });

  it('does not concern a notification that nobody knows: it says who sends it, and passes', async () => {
    const { initialize, notify, received } = legacyScene();
    await initialize();
    await notify('notifications/odd', { a: 1, _meta: { b: 2 } });
    expect(received[1]?.json).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/odd',
      params: { a: 1, _meta: { b: 2, ...envelope() } },
    });
  });
});
