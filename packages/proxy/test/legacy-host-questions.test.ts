import { afterEach, describe, expect, it, vi } from 'vitest';
import type { JsonObject, Message } from '../src/bridge/message.ts';
import { HostCancelled } from '../src/bridge/server-side.ts';
import { failureOf } from './support/failure.ts';
import {
  complete,
  envelope,
  legacyScene,
  type HostCall,
  type LegacyScene,
  type Work,
} from './support/modern-side.ts';

const done: JsonObject = { content: [{ type: 'text', text: 'done' }] };
const form = {
  method: 'elicitation/create',
  params: { message: 'Name?', requestedSchema: { type: 'object' } },
};
const sample = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } };
const roots = { method: 'roots/list' };
const accepted = { action: 'accept', content: { name: 'Ada' } };

const asking = (inputRequests?: JsonObject, requestState?: unknown): JsonObject => ({
  resultType: 'input_required',
  ...(inputRequests === undefined ? {} : { inputRequests }),
  ...(requestState === undefined ? {} : { requestState }),
});

/** A server that says one thing after the other. */
const inTurn = (...outcomes: JsonObject[]): Work => {
  return () => outcomes.shift() ?? { ...complete, ...done };
};

async function questions({ until }: LegacyScene, { heard }: HostCall, count: number): Promise<Message[]> {
  return until(() => heard.length >= count && heard.slice(0, count));
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a server that asks for input', () => {
  it('gets it with the request once more: under another id, with its state as it was', async () => {
    const state = '\u{1f511} "é\n\\u0041 =';
    const scene = legacyScene({ 'tools/call': inTurn(asking({ who: form }, state)) });
    await scene.initialize({ capabilities: { elicitation: {} } });
    const call = scene.send(1, 'tools/call', {
      name: 'x',
      arguments: { a: 1 },
      _meta: { progressToken: 'p' },
    });
    const [question] = await questions(scene, call, 1);
    expect(question?.json).toEqual({ jsonrpc: '2.0', id: 'keyhole-input-1', ...form });
    await scene.reply(question, accepted);
    expect((await call.answer).json).toEqual({ jsonrpc: '2.0', id: 1, result: done });
    const [, first, second] = scene.received;
    expect(second?.json).toEqual({
      jsonrpc: '2.0',
      id: second?.id,
      method: 'tools/call',
      params: {
        name: 'x',
        arguments: { a: 1 },
        inputResponses: { who: accepted },
        requestState: state,
        _meta: { progressToken: 'p', ...envelope({ elicitation: {} }) },
      },
    });
    expect(second?.id).not.toBe(first?.id);
    expect(scene.received).toHaveLength(3);
  });

  it('gets no state back when it gave none', async () => {
    const scene = legacyScene({
      'prompts/get': inTurn(asking({ who: form }, 'first'), asking({ again: form })),
    });
    const call = scene.send(1, 'prompts/get');
    const [first] = await questions(scene, call, 1);
    await scene.reply(first, accepted);
    const [, second] = await questions(scene, call, 2);
    await scene.reply(second, accepted);
    expect(await call.result).toEqual(done);
    expect(
      scene.received.map(({ params: { requestState, inputResponses } }) => [requestState, inputResponses]),
    ).toEqual([
      [undefined, undefined],
      ['first', { who: accepted }],
      [undefined, { again: accepted }],
    ]);
    expect(new Set(scene.received.map(({ id }) => id)).size).toBe(3);
  });

  it('may ask several things at once; the host answers in any order', async () => {
    const scene = legacyScene({
      'tools/call': inTurn(asking({ a: form, b: sample, c: roots, __proto__x: form })),
    });
    const call = scene.send(1, 'tools/call');
    const [a, b, c, d] = await questions(scene, call, 4);
    expect([a?.method, b?.method, c?.method]).toEqual([form.method, sample.method, roots.method]);
    expect(c?.json).not.toHaveProperty('params');
    await scene.reply(d, { action: 'decline' });
    await scene.reply(c, { roots: [] });
    await scene.reply(b, { role: 'assistant', model: 'm', content: { type: 'text', text: 't' } });
    expect(scene.received).toHaveLength(1);
    await scene.reply(a, accepted);
    await call.result;
    expect(scene.received[1]?.params['inputResponses']).toEqual({
      a: accepted,
      b: { role: 'assistant', model: 'm', content: { type: 'text', text: 't' } },
      c: { roots: [] },
      __proto__x: { action: 'decline' },
    });
  });

  it('may show an address: it gets the name that the legacy era wants, unless it has one', async () => {
    const params = { mode: 'url', message: 'Go', url: 'https://example.com/' };
    const own = { method: form.method, params: { ...params, elicitationId: 'own' } };
    const scene = legacyScene({ 'tools/call': inTurn(asking({ a: { method: form.method, params }, own })) });
    const [question, other] = await questions(scene, scene.send(1, 'tools/call'), 2);
    expect(question?.params).toEqual({
      ...params,
      elicitationId: expect.stringMatching(/^[\da-f-]{36}$/u) as string,
    });
    expect(other?.params).toEqual({ ...params, elicitationId: 'own' });
  });

  it('gets each answer for its own request when several wait', async () => {
    const scene = legacyScene({
      'tools/call': ({ message: { params } }) =>
        params['inputResponses'] === undefined
          ? asking({ k: form })
          : { ...complete, said: params['inputResponses'] },
    });
    const calls = [1, 2, 3].map((id) => scene.send(id, 'tools/call'));
    const asked = await Promise.all(calls.map((call) => questions(scene, call, 1)));
    for (const [index, [question]] of [...asked.entries()].reverse()) await scene.reply(question, { index });
    const said = await Promise.all(calls.map(({ result }) => result));
    expect(said).toEqual([0, 1, 2].map((index) => ({ said: { k: { index } } })));
  });

  it('is told the log level of now when it is asked again', async () => {
    const scene = legacyScene({ 'tools/call': inTurn(asking({ k: form })) });
    const call = scene.send(1, 'tools/call');
    const [question] = await questions(scene, call, 1);
    await scene.send(2, 'logging/setLevel', { level: 'error' }).result;
    await scene.reply(question, accepted);
    await call.result;
    expect(scene.received[1]?.meta).toMatchObject({ 'io.modelcontextprotocol/logLevel': 'error' });
  });
});

describe('a server that wants nothing but time', () => {
  it('is asked again after a while, each time a longer one', async () => {
    const busy = Array.from({ length: 7 }, (_, index) => asking(undefined, `state ${index}`));
    const scene = legacyScene({ 'tools/call': inTurn(...busy) });
    expect(await scene.send(1, 'tools/call').result).toEqual(done);
    expect(scene.waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(scene.received.slice(1).map(({ params }) => params['requestState'])).toEqual(
      busy.map((_, index) => `state ${index}`),
    );
    expect(scene.received.some(({ params }) => 'inputResponses' in params)).toBe(false);
  });

  it('is not asked again when the host has cancelled', async () => {
    const scene = legacyScene({ 'tools/call': () => asking(undefined, 's') }, { patient: true });
    const call = scene.send(1, 'tools/call');
    await scene.until(() => scene.waits.length > 0);
    call.cancel();
    expect(await failureOf(() => call.answer)).toBeInstanceOf(HostCancelled);
    expect(scene.received).toHaveLength(1);
  });

  it('is given up after 32 rounds', async () => {
    const scene = legacyScene({ 'tools/call': () => asking(undefined, 'for ever') });
    expect(await failureOf(() => scene.send(1, 'tools/call').answer)).toMatchObject({
      code: 'input-missing',
      message:
        'The MCP server at https://mcp.example.com/mcp goes on asking for input after 32 rounds of answers.',
    });
    expect(scene.received).toHaveLength(32);
  });

  it('has to give its state', async () => {
    for (const nothing of [asking(), asking({}), asking({ k: { params: {} } })]) {
      const scene = legacyScene({ 'tools/call': inTurn(nothing) });
      expect(await failureOf(() => scene.send(1, 'tools/call').answer)).toMatchObject({
        code: 'server-answer-unusable',
        message: expect.stringContaining('it asks for input without saying for what') as string,
      });
      expect(scene.received).toHaveLength(1);
    }
  });
});

describe('a question that gets no answer', () => {
  it('ends the request with the error of the host, and withdraws the others', async () => {
    const scene = legacyScene({ 'tools/call': inTurn(asking({ a: sample, b: form, c: roots })) });
    const call = scene.send(1, 'tools/call');
    const [a, b, c] = await questions(scene, call, 3);
    await scene.reply(c, { roots: [] });
    await scene.reply(a, { error: { code: -1, message: 'User rejected sampling request', data: { x: 1 } } });
    expect((await call.answer).json).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: {
        code: -1,
        message:
          'The host did not give the server what it asked for (sampling/createMessage): User rejected sampling request',
        data: { x: 1 },
      },
    });
    expect(call.heard.slice(3).map(({ json }) => json)).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: b?.id, reason: 'The answer is not needed any more' },
      },
    ]);
    expect(scene.received).toHaveLength(1);
  });

  it('is withdrawn when the host cancels the request', async () => {
    const scene = legacyScene({ 'tools/call': inTurn(asking({ a: form, b: form })) });
    const call = scene.send(1, 'tools/call');
    const [a, b] = await questions(scene, call, 2);
    call.cancel();
    expect(await failureOf(() => call.answer)).toBeInstanceOf(HostCancelled);
    expect(call.heard.slice(2).map(({ method, params }) => [method, params['requestId']])).toEqual([
      ['notifications/cancelled', a?.id],
      ['notifications/cancelled', b?.id],
    ]);
    await scene.reply(a, accepted);
    expect(scene.log.text()).toContain('the host has answered what nobody waits for');
    expect(scene.received).toHaveLength(1);
  });

  it('ends when all ends', async () => {
    const scene = legacyScene({ 'tools/call': inTurn(asking({ a: form })) });
    const call = scene.send(1, 'tools/call');
    await questions(scene, call, 1);
    await scene.side.close();
    expect(await failureOf(() => call.answer)).toMatchObject({ code: 'shutting-down' });
  });

  it('is given up after ten minutes', async () => {
    const scene = legacyScene({ 'tools/call': inTurn(asking({ a: form })) });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const call = scene.send(1, 'tools/call');
    await questions(scene, call, 1);
    vi.advanceTimersByTime(600_000);
    expect(await failureOf(() => call.answer)).toMatchObject({
      code: 'input-missing',
      message: expect.stringContaining(
        '(elicitation/create), and the host did not answer within 600 seconds.',
      ) as string,
    });
    expect(call.heard.at(-1)?.method).toBe('notifications/cancelled');
  });

  it('concerns nobody else: an answer to something unknown goes nowhere', async () => {
    const scene = legacyScene();
    await scene.side.notify(await scene.send(7, 'ping').answer);
    expect(scene.received).toEqual([]);
  });
});
