import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/bridge/message.ts';
import { errors } from '../src/errors.ts';
import { failureOf } from './support/failure.ts';
import { questionsIn } from './support/host-questions.ts';
import { methods, modernScene, named, serverInfo, serverInfoMeta, type Work } from './support/legacy-side.ts';

const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities';
const logLevelKey = 'io.modelcontextprotocol/logLevel';
const done: JsonObject = { content: [{ type: 'text', text: 'done' }] };

describe('the handshake that a modern host does not know of', () => {
  it('is made of server/discover, which is answered with what the server said', async () => {
    const capabilities = { tools: { listChanged: true }, tasks: { list: {} }, experimental: { x: {} } };
    const { send, received } = modernScene({}, capabilities);
    const meta = { [capabilitiesKey]: { roots: { listChanged: true }, tasks: {}, elicitation: { url: {} } } };
    expect(await send('d', 'server/discover', {}, meta).result).toEqual({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: { listChanged: true }, experimental: { x: {} } },
      instructions: 'Be kind.',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: serverInfoMeta,
    });
    expect(methods(received)).toEqual(['initialize', 'notifications/initialized']);
    expect(received[0]?.params).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: { roots: {}, elicitation: { url: {} } },
      clientInfo: { name: 'A modern host', version: '1' },
    });
  });

  it('is done once, by whichever requests come first', async () => {
    const { send, received } = modernScene({ 'tools/list': () => ({ tools: [] }) });
    const calls = [send(1, 'tools/list'), send(2, 'server/discover'), send(3, 'tools/list')];
    await Promise.all(calls.map(({ result }) => result));
    const other = { [capabilitiesKey]: { sampling: {} } };
    await send(4, 'server/discover', {}, other).result;
    expect(methods(received).filter((method) => method === 'initialize')).toHaveLength(1);
  });

  it('is tried again by the next request when the server refuses it, or does not answer', async () => {
    const failures = [
      { error: { code: -32_000, message: 'not now' } },
      errors.answerLost(new URL('http://a/')),
    ];
    const greeting = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo };
    const initialize: Work = () => {
      const failure = failures.shift() ?? greeting;
      if (failure instanceof Error) throw failure;
      return failure;
    };
    const { send } = modernScene({ initialize, 'tools/list': () => ({ tools: [] }) });
    const refused = await send('a', 'server/discover').answer;
    expect(refused.json).toMatchObject({ id: 'a', error: { code: -32_000, message: 'not now' } });
    expect(await failureOf(() => send('b', 'tools/list').answer)).toMatchObject({ code: 'answer-lost' });
    expect(await send('c', 'tools/list').result).toMatchObject({ tools: [] });
  });

  it('is not waited for by a request that is cancelled', async () => {
    const { send, when } = modernScene({ initialize: () => new Promise(() => undefined) });
    const call = send(1, 'tools/list');
    await when(named('initialize'));
    call.cancel();
    expect((await failureOf(() => call.answer)).message).toBe('the host has cancelled the request');
  });
});

describe('a request of a modern host', () => {
  it('reaches the server without what a legacy server does not know, and with everything else', async () => {
    const { send, received } = modernScene({ 'tools/call': () => done });
    const meta = { progressToken: 'p', traceparent: '00-1', [logLevelKey]: 'info' };
    await send(7, 'tools/call', { name: 'x', arguments: { y: 1 }, odd: null }, meta).result;
    expect(received.at(-1)?.params).toEqual({
      name: 'x',
      arguments: { y: 1 },
      odd: null,
      _meta: { progressToken: 'p', traceparent: '00-1' },
    });
    await send(8, 'tools/call', { name: 'x' }).result;
    expect(received.at(-1)?.params).toEqual({ name: 'x' });
  });

  it.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read'])(
    'gets a result of %s that may not be kept',
    async (method) => {
      const { send } = modernScene({ [method]: () => ({ nextCursor: 'n', _meta: { own: 1 } }) });
      expect(await send(1, method).result).toEqual({
        nextCursor: 'n',
        resultType: 'complete',
        ttlMs: 0,
        cacheScope: 'private',
        _meta: { own: 1, ...serverInfoMeta },
      });
    },
  );

  it.each(['tools/call', 'prompts/get', 'completion/complete', 'x/unknown'])(
    'gets a result of %s that is complete',
    async (method) => {
      const { send } = modernScene({ [method]: () => ({ content: [], odd: [1] }) });
      const result = { content: [], odd: [1], resultType: 'complete', _meta: serverInfoMeta };
      expect(await send('an id', method).result).toEqual(result);
    },
  );

  it('gets tools without what belongs to tasks, and a call with the content that it must have', async () => {
    const tool = { name: 'x', inputSchema: { type: 'object' } };
    const { send } = modernScene({
      'tools/list': () => ({ tools: [{ ...tool, execution: { taskSupport: 'optional' } }] }),
      'tools/call': () => ({ structuredContent: { a: 1 } }),
    });
    expect(await send(1, 'tools/list').result).toMatchObject({ tools: [tool] });
    expect(await send(2, 'tools/call').result).toMatchObject({ content: [], structuredContent: { a: 1 } });
  });

  it("gets the server's error as it is, under its own id", async () => {
    const error = { code: -32_002, message: 'Resource not found', data: { uri: 'a:b' } };
    const { send } = modernScene({ 'resources/read': () => ({ error }) });
    for (const id of [0, '', 'x', 12]) {
      expect((await send(id, 'resources/read').answer).json).toEqual({ jsonrpc: '2.0', id, error });
    }
  });

  it('is refused when it is of another version, before anything reaches the server', async () => {
    const { send, received } = modernScene();
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' };
    expect((await send(1, 'server/discover', {}, meta).answer).error).toEqual({
      code: -32_022,
      message: 'Unsupported protocol version',
      data: { supported: ['2026-07-28'], requested: '2027-01-01' },
    });
    expect(received).toEqual([]);
  });

  it.each(['initialize', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe'])(
    'is refused when it is %s, which would change the session behind the translation',
    async (method) => {
      const { send, received } = modernScene();
      expect((await send(1, method).answer).error?.code).toBe(-32_601);
      expect(received).toEqual([]);
    },
  );

  it('ends at the server too when the host cancels it, under the id that the server knows', async () => {
    const { send, received, when } = modernScene({ 'tools/call': () => new Promise(() => undefined) });
    const call = send('mine', 'tools/call');
    const { id } = await when(named('tools/call'));
    call.cancel();
    expect((await failureOf(() => call.answer)).message).toBe('the host has cancelled the request');
    expect(received.at(-1)?.params).toEqual({ requestId: id, reason: 'the user said so' });
  });

  it('fails with the reason for which nobody waits any more', async () => {
    const { send, when } = modernScene({ 'tools/call': () => new Promise(() => undefined) });
    const call = send('mine', 'tools/call');
    await when(named('tools/call'));
    const reason = errors.serverSilent(new URL('http://a/'), 1000);
    call.cancel(reason);
    expect(await failureOf(() => call.answer)).toBe(reason);
  });
});

describe('what the server says during a request', () => {
  it('reaches the host: progress by the name that the latest request has given it', async () => {
    const { send } = modernScene({
      'tools/call': async ({ ask, say }) => {
        await say('notifications/progress', { progressToken: 'a', progress: 1 });
        await ask('q', 'roots/list');
        await say('notifications/progress', { progressToken: 'a', progress: 2 });
        await say('notifications/x', { own: 1 });
        return done;
      },
    });
    const first = send(1, 'tools/call', {}, { progressToken: 'a' });
    const { handle, keys } = questionsIn(await first.result);
    const params = { requestState: handle, inputResponses: { [keys[0] ?? '']: { roots: [] } } };
    const second = send(2, 'tools/call', params, { progressToken: 'b' });
    await second.result;
    expect(first.heard.map(({ params: said }) => said)).toEqual([{ progressToken: 'a', progress: 1 }]);
    expect(second.heard.map(({ params: said }) => said)).toEqual([
      { progressToken: 'b', progress: 2 },
      { own: 1 },
    ]);
  });

  it('reaches the host that it is about when it comes on the stream of the server', async () => {
    const scene = modernScene(
      {
        'tools/call': async () => {
          await scene.say('notifications/progress', { progressToken: 5, progress: 1 });
          await scene.say('notifications/progress', { progressToken: '5', progress: 1 });
          await scene.say('notifications/message', { level: 'info', data: 'x' });
          return done;
        },
      },
      { logging: {} },
    );
    const call = scene.send(1, 'tools/call', {}, { progressToken: 5, [logLevelKey]: 'debug' });
    await call.result;
    expect(methods(call.heard)).toEqual(['notifications/progress', 'notifications/message']);
    expect(scene.unasked).toEqual([]);
  });

  it.each([
    [undefined, []],
    ['debug', ['debug', 'warning', 'odd']],
    ['warning', ['warning', 'odd']],
    ['emergency', ['odd']],
  ])('is logged to a host that wants %s from there on', async (level, heard) => {
    const { send } = modernScene(
      {
        'tools/call': async ({ say }) => {
          for (const each of ['debug', 'warning', 'odd']) await say('notifications/message', { level: each });
          return done;
        },
      },
      { logging: {} },
    );
    const call = send(1, 'tools/call', {}, level === undefined ? {} : { [logLevelKey]: level });
    await call.result;
    expect(call.heard.map(({ params }) => params['level'])).toEqual(heard);
  });

  it('is logged from the level on that was asked for, which the server is told when it changes', async () => {
    const { send, received } = modernScene({ 'tools/list': () => ({ tools: [] }) }, { logging: {} });
    for (const level of ['info', 'info', undefined, 'error', 'nonsense']) {
      await send(1, 'tools/list', {}, level === undefined ? {} : { [logLevelKey]: level }).result;
    }
    const told = received.filter(named('logging/setLevel')).map(({ params }) => params['level']);
    expect(told).toEqual(['info', 'error']);
  });

  it('is logged as the one who wants to hear most wants it, while several wait', async () => {
    const { send, received, when } = modernScene(
      { 'tools/call': () => new Promise(() => undefined), 'tools/list': () => ({ tools: [] }) },
      { logging: {} },
    );
    const call = send(1, 'tools/call', {}, { [logLevelKey]: 'debug' });
    await when(named('tools/call'));
    await send(2, 'tools/list', {}, { [logLevelKey]: 'error' }).result;
    expect(received.filter(named('logging/setLevel'))).toHaveLength(1);
    call.cancel();
  });

  it('is not asked for at a server that does not log, and a refusal refuses nothing', async () => {
    const works = {
      'tools/list': () => ({ tools: [] }),
      'logging/setLevel': () => ({ error: { code: -1, message: 'no' } }),
    };
    const silent = modernScene(works);
    await silent.send(1, 'tools/list', {}, { [logLevelKey]: 'info' }).result;
    expect(methods(silent.received)).not.toContain('logging/setLevel');
    const stubborn = modernScene(works, { logging: {} });
    expect(await stubborn.send(1, 'tools/list', {}, { [logLevelKey]: 'info' }).result).toMatchObject({
      tools: [],
    });
    expect(stubborn.log.text()).toContain('the server keeps its own log level');
  });
});
