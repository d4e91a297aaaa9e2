import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../src/bridge/message.ts';
import { failureOf } from './support/failure.ts';
import { asksOnce, questionsIn } from './support/host-questions.ts';
import { methods, modernScene, named, serverInfoMeta } from './support/legacy-side.ts';

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId';
const done: JsonObject = { content: [{ type: 'text', text: 'done' }] };

describe('subscriptions/listen', () => {
  const everything = {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
  };
  const wanted = (notifications: JsonObject): JsonObject => ({ notifications });

  it('is acknowledged first, then tells of what was asked for, stamped with its id', async () => {
    const { send, say } = modernScene({}, everything);
    const listen = send('listen:1', 'subscriptions/listen', wanted({ toolsListChanged: true, odd: true }));
    await listen.hears(1);
    await say('notifications/prompts/list_changed');
    await say('notifications/tools/list_changed', { _meta: { own: 1 } });
    expect(listen.heard.map(({ json }) => json)).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { notifications: { toolsListChanged: true }, _meta: { [subscriptionKey]: 'listen:1' } },
      },
      {
        jsonrpc: '2.0',
        method: 'notifications/tools/list_changed',
        params: { _meta: { own: 1, [subscriptionKey]: 'listen:1' } },
      },
    ]);
  });

  it('hears of changes that the server tells on the way of a request, which does not hear of them', async () => {
    const { send, unasked } = modernScene(
      {
        'tools/call': async ({ say }) => {
          await say('notifications/tools/list_changed');
          return done;
        },
      },
      everything,
    );
    const listen = send('l', 'subscriptions/listen', wanted({ toolsListChanged: true }));
    await listen.hears(1);
    const call = send(1, 'tools/call');
    await call.result;
    expect(methods(listen.heard)).toContain('notifications/tools/list_changed');
    expect([...call.heard, ...unasked]).toEqual([]);
  });

  it('accepts what the server reports on, and nothing else', async () => {
    const { send, received } = modernScene(
      { 'resources/subscribe': ({ message: { params } }) => (params['uri'] === 'a:2' ? refused : {}) },
      { ...everything, prompts: {}, resources: { subscribe: true } },
    );
    const refused = { error: { code: -32_002, message: 'there is none' } };
    const filter = {
      toolsListChanged: true,
      promptsListChanged: true,
      resourcesListChanged: true,
      resourceSubscriptions: ['a:1', 'a:2', 'a:1', 3],
    };
    const listen = send('l', 'subscriptions/listen', wanted(filter));
    await listen.hears(1);
    const accepted = { toolsListChanged: true, resourceSubscriptions: ['a:1'] };
    expect(listen.heard[0]?.params['notifications']).toEqual(accepted);
    expect(received.filter(named('resources/subscribe')).map(({ params }) => params['uri'])).toEqual([
      'a:1',
      'a:2',
    ]);
  });

  it('subscribes to a resource once for all who listen, and ends that with the last of them', async () => {
    const { send, say, received, when } = modernScene({}, everything);
    const filter = wanted({ resourceSubscriptions: ['file:///a'] });
    const one = send('1', 'subscriptions/listen', filter);
    await one.hears(1);
    const two = send('2', 'subscriptions/listen', filter);
    await two.hears(1);
    for (const uri of ['file:///a', 'file:///a/part', 'file:///ab']) {
      await say('notifications/resources/updated', { uri });
    }
    const heard = two.heard.slice(1).map(({ params }) => params);
    expect(heard).toEqual([
      { uri: 'file:///a', _meta: { [subscriptionKey]: '2' } },
      { uri: 'file:///a/part', _meta: { [subscriptionKey]: '2' } },
    ]);
    one.cancel();
    await failureOf(() => one.answer);
    await say('notifications/resources/updated', { uri: 'file:///a' });
    expect(one.heard).toHaveLength(3);
    expect(two.heard).toHaveLength(4);
    expect(methods(received)).not.toContain('resources/unsubscribe');
    two.cancel();
    expect((await when(named('resources/unsubscribe'))).params).toEqual({ uri: 'file:///a' });
    expect(received.filter(named('resources/subscribe'))).toHaveLength(1);
  });

  it('gives up a resource that it was cancelled over', async () => {
    let letThrough = (): void => undefined;
    const isThrough = new Promise<JsonObject>((resolve) => {
      letThrough = () => {
        resolve({});
      };
    });
    const { send, when } = modernScene({ 'resources/subscribe': () => isThrough }, everything);
    const listen = send('1', 'subscriptions/listen', wanted({ resourceSubscriptions: ['a:1'] }));
    await when(named('resources/subscribe'));
    listen.cancel();
    await failureOf(() => listen.answer);
    letThrough();
    await when(named('resources/unsubscribe'));
    expect(listen.heard).toEqual([]);
  });

  it('without a filter is refused', async () => {
    const { send } = modernScene({}, everything);
    expect((await send('1', 'subscriptions/listen').answer).error?.code).toBe(-32_602);
  });
});

describe('close', () => {
  it('ends everything: the listening gracefully, the rest with an error', async () => {
    const never = (): Promise<JsonObject> => new Promise(() => undefined);
    const { side, send, when } = modernScene(
      { 'tools/call': never, 'prompts/get': asksOnce },
      { tools: { listChanged: true } },
    );
    const listen = send('l', 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    const waiting = send(1, 'tools/call');
    await when(named('tools/call'));
    const { handle } = questionsIn(await send(2, 'prompts/get').result);
    await side.close();
    expect(await listen.result).toEqual({
      resultType: 'complete',
      _meta: { [subscriptionKey]: 'l', ...serverInfoMeta },
    });
    for (const call of [waiting, send(3, 'tools/list'), send(4, 'prompts/get', { requestState: handle })]) {
      expect(await failureOf(() => call.answer)).toMatchObject({ code: 'shutting-down' });
    }
  });

  it('ends the handshake', async () => {
    const { side, send, when } = modernScene({ initialize: () => new Promise(() => undefined) });
    const call = send(1, 'tools/list');
    await when(named('initialize'));
    await side.close();
    expect(await failureOf(() => call.answer)).toMatchObject({ code: 'shutting-down' });
  });
});
