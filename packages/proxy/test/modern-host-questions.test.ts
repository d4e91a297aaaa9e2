import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JsonObject } from '../src/bridge/message.ts';
import { failureOf } from './support/failure.ts';
import { asksOnce, form, questionsIn } from './support/host-questions.ts';
import {
  hostCapabilities,
  methods,
  modernScene,
  named,
  serverInfoMeta,
  type Work,
} from './support/legacy-side.ts';

const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities';
const done: JsonObject = { content: [{ type: 'text', text: 'done' }] };

describe('a question of the server', () => {
  it('becomes the answer to the request, and the host comes back with the answer to the question', async () => {
    const { send, received } = modernScene({ 'tools/call': asksOnce });
    const first = await send(1, 'tools/call', { name: 'x' }).result;
    const { handle, keys, questions } = questionsIn(first);
    expect(first['_meta']).toEqual(serverInfoMeta);
    expect(questions).toEqual([{ method: 'elicitation/create', params: form }]);
    const inputResponses = { [keys[0] ?? '']: { action: 'accept', content: { name: 'Ada' } } };
    const last = await send(2, 'tools/call', { name: 'x', inputResponses, requestState: handle }).result;
    expect(last).toMatchObject({
      resultType: 'complete',
      structuredContent: { result: { action: 'accept', content: { name: 'Ada' } } },
    });
    expect(methods(received)).toEqual(['initialize', 'notifications/initialized', 'tools/call', undefined]);
  });

  it('goes out together with those that come with it; what the host leaves out is asked again', async () => {
    const { send } = modernScene({
      'prompts/get': async ({ ask }) => {
        const answers = await Promise.all([
          ask(1, 'elicitation/create', form),
          ask(2, 'sampling/createMessage', {
            messages: [],
            maxTokens: 1,
            _meta: { progressToken: 3, own: 1 },
          }),
          // Servers do not ask at the same instant: this one comes in another read of the stream.
          delay(5).then(() => ask(3, 'roots/list')),
        ]);
        return { messages: answers.map(({ result }) => result) };
      },
    });
    const first = questionsIn(await send(1, 'prompts/get').result);
    expect(first.questions).toEqual([
      { method: 'elicitation/create', params: form },
      { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1, _meta: { own: 1 } } },
      { method: 'roots/list' },
    ]);
    const [one = '', two = '', three = ''] = first.keys;
    const half = { [one]: { action: 'decline' }, [two]: { method: 'x', result: {} }, [three]: 'no object' };
    const second = questionsIn(
      await send(2, 'prompts/get', { inputResponses: half, requestState: first.handle }).result,
    );
    expect(second.keys).toEqual([two, three]);
    expect(second.handle).not.toBe(first.handle);
    const rest = { [two]: { role: 'assistant' }, [three]: { roots: [] } };
    const last = send(3, 'prompts/get', { inputResponses: rest, requestState: second.handle });
    expect((await last.result)['messages']).toEqual([
      { action: 'decline' },
      { role: 'assistant' },
      { roots: [] },
    ]);
  });

  it('may be followed by another one', async () => {
    const { send } = modernScene({
      'resources/read': async ({ ask }) => {
        await ask(1, 'roots/list');
        await ask(2, 'elicitation/create', form);
        return { contents: [] };
      },
    });
    const first = questionsIn(await send(1, 'resources/read').result);
    const inputResponses = { [first.keys[0] ?? '']: { roots: [] } };
    const again = { inputResponses, requestState: first.handle };
    const second = questionsIn(await send(1, 'resources/read', again).result);
    expect(second.questions).toEqual([{ method: 'elicitation/create', params: form }]);
  });

  it('belongs to the request begun last when it comes on the stream of the server', async () => {
    const calls: string[] = [];
    const { send, ask, when } = modernScene({
      'tools/call': async ({ message }) => {
        if (message.params['name'] === 'waits') return new Promise(() => undefined);
        const { result } = await ask('q', 'elicitation/create', form);
        calls.push(JSON.stringify(result));
        return done;
      },
    });
    const other = send(1, 'tools/call', { name: 'waits' });
    await when(named('tools/call'));
    const { keys, handle } = questionsIn(await send(2, 'tools/call', { name: 'asks' }).result);
    const inputResponses = { [keys[0] ?? '']: { action: 'cancel' } };
    await send(3, 'tools/call', { name: 'asks', inputResponses, requestState: handle }).result;
    expect(calls).toEqual(['{"action":"cancel"}']);
    other.cancel();
  });

  it.each([
    ['outside any request', {}, 'roots/list', 'server/discover', -32_601],
    ['during a request that may not ask', {}, 'roots/list', 'completion/complete', -32_601],
    ['for what the host cannot do', { roots: {} }, 'elicitation/create', 'tools/call', -32_601],
    ['for an address, where the host does forms', { elicitation: {} }, 'url', 'tools/call', -32_602],
    [
      'for a form, where the host shows addresses',
      { elicitation: { url: {} } },
      'form',
      'tools/call',
      -32_602,
    ],
    ['that nobody knows', hostCapabilities, 'x/unknown', 'tools/call', -32_601],
  ])('%s is refused', async (_case, capabilities, question, during, code) => {
    const isMode = question === 'url' || question === 'form';
    const method = isMode ? 'elicitation/create' : question;
    const work: Work = async ({ ask }) => {
      const { error } = await ask('q', method, isMode ? { mode: question } : {});
      return { content: [], refusal: error };
    };
    const scene = modernScene({ [during]: work });
    const meta = { [capabilitiesKey]: capabilities };
    if (during === 'server/discover') {
      await scene.send(1, during, {}, meta).result;
      expect((await scene.ask('q', method)).error?.code).toBe(code);
      return;
    }
    expect(await scene.send(1, during, {}, meta).result).toMatchObject({ refusal: { code } });
  });

  it('that shows an address loses the id by which a legacy server says that it is done, and so does its saying', async () => {
    const url = { mode: 'url', message: 'Look', url: 'https://example.com/', elicitationId: 'e1' };
    const scene = modernScene({
      'tools/call': async ({ ask, say }) => {
        await ask('q', 'elicitation/create', url);
        await say('notifications/elicitation/complete', { elicitationId: 'e1' });
        return done;
      },
    });
    const { questions, keys, handle } = questionsIn(await scene.send(1, 'tools/call').result);
    const params = { mode: 'url', message: 'Look', url: 'https://example.com/' };
    expect(questions).toEqual([{ method: 'elicitation/create', params }]);
    const inputResponses = { [keys[0] ?? '']: { action: 'accept' } };
    const call = scene.send(2, 'tools/call', { inputResponses, requestState: handle });
    await call.result;
    await scene.say('notifications/elicitation/complete', { elicitationId: 'e1' });
    expect([...call.heard, ...scene.unasked]).toEqual([]);
  });

  it('is answered here when it is a ping', async () => {
    const { send, ask } = modernScene();
    await send(1, 'server/discover').result;
    expect((await ask('p', 'ping')).json).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
  });

  it('that the server takes back is not asked', async () => {
    const { send } = modernScene({
      'tools/call': ({ ask, say }) => {
        void ask('q', 'elicitation/create', form);
        void say('notifications/cancelled', { requestId: 'q' });
        return done;
      },
    });
    expect(await send(1, 'tools/call').result).toMatchObject(done);
  });
});

describe('a host that comes back', () => {
  it.each([
    ['with a handle that there never was', { requestState: 'made up', inputResponses: {} }],
    ['with answers and no handle', { inputResponses: { 'input-1': { action: 'accept' } } }],
  ])('%s is told so', async (_case, params) => {
    const { send, received } = modernScene({ 'tools/call': asksOnce });
    await send(1, 'tools/call').result;
    const { error } = await send(2, 'tools/call', params).answer;
    expect(error).toEqual({
      code: -32_602,
      message: 'Invalid params: the requestState is unknown or has expired; make the request anew',
    });
    expect(methods(received).filter((method) => method === 'tools/call')).toHaveLength(1);
  });

  it('with another method, or a second time, is told so; the first time counts', async () => {
    const { send } = modernScene({ 'tools/call': asksOnce });
    const { handle, keys } = questionsIn(await send(1, 'tools/call').result);
    const params = { requestState: handle, inputResponses: { [keys[0] ?? '']: { action: 'cancel' } } };
    expect((await send(2, 'prompts/get', params).answer).error?.code).toBe(-32_602);
    const [first, second] = [send(3, 'tools/call', params), send(4, 'tools/call', params)];
    expect(await first.result).toMatchObject({ structuredContent: { result: { action: 'cancel' } } });
    expect((await second.answer).error?.code).toBe(-32_602);
  });

  it('gets the answer that has come meanwhile', async () => {
    let goOn = (): void => undefined;
    const isTold = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { send } = modernScene({
      'tools/call': async ({ ask }) => {
        void ask('q', 'elicitation/create', form);
        await isTold;
        return done;
      },
    });
    const { handle } = questionsIn(await send(1, 'tools/call').result);
    goOn();
    expect(await send(2, 'tools/call', { requestState: handle }).result).toMatchObject(done);
  });

  it('and cancels has the work ended, and the server its question refused', async () => {
    const { send, when } = modernScene({
      'tools/call': async ({ ask }) => {
        await ask('q', 'elicitation/create', form);
        return new Promise(() => undefined);
      },
    });
    const { handle } = questionsIn(await send(1, 'tools/call').result);
    const { id } = await when(named('tools/call'));
    const again = send(2, 'tools/call', { requestState: handle, inputResponses: {} });
    again.cancel();
    await failureOf(() => again.answer);
    const cancelled = await when(named('notifications/cancelled'));
    expect(cancelled.params).toEqual({ requestId: id, reason: 'the user said so' });
    expect((await when(({ kind }) => kind === 'response')).error?.message).toBe('The host has not answered');
  });

  describe('too late', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('finds the work ended after ten minutes, and not before', async () => {
      const { send, received, when } = modernScene({ 'tools/call': asksOnce });
      const { handle } = questionsIn(await send(1, 'tools/call').result);
      const { id } = await when(named('tools/call'));
      vi.advanceTimersByTime(599_000);
      expect(methods(received)).not.toContain('notifications/cancelled');
      vi.advanceTimersByTime(1_000);
      expect((await when(named('notifications/cancelled'))).params).toMatchObject({ requestId: id });
      expect((await when(({ kind }) => kind === 'response')).json).toMatchObject({ id: 'q', error: {} });
      expect((await send(2, 'tools/call', { requestState: handle }).answer).error?.code).toBe(-32_602);
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});
