import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HostCancelled } from '../src/bridge/server-side.ts';
import type { JsonObject } from '../src/bridge/message.ts';
import { errors } from '../src/errors.ts';
import { failureOf } from './support/failure.ts';
import { complete, envelope, legacyScene, url, type LegacyScene } from './support/modern-side.ts';

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId';
const capabilities = {
  tools: { listChanged: true },
  prompts: {},
  resources: { subscribe: true, listChanged: true },
};
const lists = { toolsListChanged: true, resourcesListChanged: true };
const updated = 'notifications/resources/updated';
const toolsChanged = 'notifications/tools/list_changed';

/** A host that has begun. */
async function begun(options: Parameters<typeof legacyScene>[1] = {}): Promise<LegacyScene> {
  const scene = legacyScene({ 'tools/call': () => complete }, { capabilities, ...options });
  await scene.initialize();
  await scene.notify('notifications/initialized');
  return scene;
}

/** Subscribes, and has the server agree on the n-th stream. */
async function subscribed(scene: LegacyScene, uri: string, n: number): Promise<void> {
  const call = scene.send(`s-${uri}`, 'resources/subscribe', { uri });
  await (await scene.stream(n)).acknowledge();
  expect(await call.result).toEqual({});
}

const heard = ({ unasked }: LegacyScene): JsonObject[] => unasked.map(({ json }) => json);

afterEach(() => {
  vi.useRealTimers();
});

describe('changes at a modern server', () => {
  it('are listened to once the host has begun, as far as the server reports on them', async () => {
    const scene = await begun();
    const { message } = await scene.stream(1);
    expect(message.params).toEqual({ notifications: lists, _meta: envelope() });
    expect(scene.streams).toHaveLength(1);
  });

  it('are not listened to where the server reports on none', async () => {
    const scene = await begun({ capabilities: { tools: {}, logging: {} } });
    await scene.send(1, 'tools/call').result;
    expect(scene.streams).toEqual([]);
  });

  it('reach the host without the name of the subscription, the acknowledgement does not', async () => {
    const scene = await begun();
    const stream = await scene.stream(1);
    await stream.acknowledge();
    await stream.report(toolsChanged);
    await stream.report('notifications/resources/list_changed', { odd: 1 });
    await stream.report('notifications/odd');
    expect(heard(scene)).toEqual([
      { jsonrpc: '2.0', method: toolsChanged, params: {} },
      { jsonrpc: '2.0', method: 'notifications/resources/list_changed', params: { odd: 1 } },
      { jsonrpc: '2.0', method: 'notifications/odd', params: {} },
    ]);
    expect(JSON.stringify(heard(scene))).not.toContain(subscriptionKey);
  });

  it('are no more listened to when all ends', async () => {
    const scene = await begun();
    const stream = await scene.stream(1);
    await stream.acknowledge();
    await scene.side.close();
    expect(stream.isOpen()).toBe(false);
    expect(await failureOf(() => scene.send(1, 'resources/subscribe', { uri: 'a:' }).answer)).toMatchObject({
      code: 'shutting-down',
    });
    expect(scene.streams).toHaveLength(1);
    expect(scene.waits).toEqual([]);
  });
});

describe('a subscription to a resource', () => {
  it('stands when the server has agreed to it; until then the stream before is listened to', async () => {
    const scene = await begun();
    const first = await scene.stream(1);
    await first.acknowledge();
    const call = scene.send(1, 'resources/subscribe', { uri: 'file:///a' });
    const second = await scene.stream(2);
    expect(second.filter).toEqual({ ...lists, resourceSubscriptions: ['file:///a'] });
    await first.report(toolsChanged);
    await second.report(updated, { uri: 'too early' });
    expect([first.isOpen(), second.isOpen()]).toEqual([true, true]);
    await second.acknowledge();
    expect((await call.answer).json).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    expect([first.isOpen(), second.isOpen()]).toEqual([false, true]);
    await first.report(toolsChanged);
    await second.report(updated, { uri: 'file:///a' });
    expect(heard(scene)).toEqual([
      { jsonrpc: '2.0', method: toolsChanged, params: {} },
      { jsonrpc: '2.0', method: updated, params: { uri: 'file:///a' } },
    ]);
    expect(scene.waits).toEqual([]);
  });

  it('does not wait for the host to have begun, nor for lists to be reported on', async () => {
    const scene = legacyScene({}, { capabilities: { resources: { subscribe: true } } });
    await scene.initialize();
    await subscribed(scene, 'a:', 1);
    expect(scene.streams[0]?.filter).toEqual({ resourceSubscriptions: ['a:'] });
  });

  it('comes to those that there are; twice the same is one', async () => {
    const scene = await begun();
    await (await scene.stream(1)).acknowledge();
    await subscribed(scene, 'a:', 2);
    expect(await scene.send(2, 'resources/subscribe', { uri: 'a:' }).result).toEqual({});
    await subscribed(scene, 'b:', 3);
    expect(scene.streams[2]?.filter).toMatchObject({ resourceSubscriptions: ['a:', 'b:'] });
    expect(scene.streams.map((stream) => stream.isOpen())).toEqual([false, false, true]);
  });

  it('ends when the host says so; with the last one, and no list, so does the listening', async () => {
    const scene = legacyScene({}, { capabilities: { resources: { subscribe: true } } });
    await scene.initialize();
    await subscribed(scene, 'a:', 1);
    await subscribed(scene, 'b:', 2);
    const call = scene.send(3, 'resources/unsubscribe', { uri: 'a:' });
    const third = await scene.stream(3);
    expect(third.filter).toEqual({ resourceSubscriptions: ['b:'] });
    await third.acknowledge();
    expect(await call.result).toEqual({});
    expect(await scene.send(4, 'resources/unsubscribe', { uri: 'never:' }).result).toEqual({});
    expect(await scene.send(5, 'resources/unsubscribe', { uri: 'b:' }).result).toEqual({});
    expect(scene.streams.map((stream) => stream.isOpen())).toEqual([false, false, false]);
    expect(scene.waits).toEqual([]);
  });

  it('is refused when the server leaves it out, and then not asked for any more', async () => {
    const scene = await begun();
    await (await scene.stream(1)).acknowledge();
    const call = scene.send(1, 'resources/subscribe', { uri: 'a:' });
    await (await scene.stream(2)).acknowledge(lists);
    expect((await call.answer).error).toEqual({
      code: -32_601,
      message: 'Method not found: resources/subscribe (the server does not report on a:)',
    });
    expect((await scene.stream(3)).filter).toEqual(lists);
  });

  it('is refused when the server refuses to listen; what was listened to before stays', async () => {
    const scene = await begun();
    const first = await scene.stream(1);
    await first.acknowledge();
    const call = scene.send(1, 'resources/subscribe', { uri: 'a:' });
    (await scene.stream(2)).end({ error: { code: -32_602, message: 'no such resource' } });
    expect((await call.answer).error).toMatchObject({ code: -32_601 });
    await first.report(toolsChanged);
    await (await scene.stream(3)).acknowledge();
    await scene.streams[2]?.report(toolsChanged);
    expect(heard(scene)).toHaveLength(2);
  });

  it('fails with what happened on its way', async () => {
    const scene = await begun();
    await (await scene.stream(1)).acknowledge();
    const call = scene.send(1, 'resources/subscribe', { uri: 'a:' });
    (await scene.stream(2)).end(errors.serverUnreachable(url, 'refused'));
    expect(await failureOf(() => call.answer)).toMatchObject({ code: 'server-unreachable' });
    expect((await scene.stream(3)).filter).toEqual(lists);
  });

  it('fails when the server does not agree within 15 seconds', async () => {
    const scene = await begun();
    await (await scene.stream(1)).acknowledge();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const call = scene.send(1, 'resources/subscribe', { uri: 'a:' });
    const second = await scene.stream(2);
    vi.advanceTimersByTime(15_000);
    expect(await failureOf(() => call.answer)).toMatchObject({
      message: 'The MCP server at https://mcp.example.com/mcp did not answer within 15 seconds.',
    });
    await scene.stream(3);
    expect(second.isOpen()).toBe(false);
  });

  it('is given up when the host cancels', async () => {
    const scene = await begun();
    await (await scene.stream(1)).acknowledge();
    const call = scene.send(1, 'resources/subscribe', { uri: 'a:' });
    await scene.stream(2);
    call.cancel();
    expect(await failureOf(() => call.answer)).toBeInstanceOf(HostCancelled);
    expect((await scene.stream(3)).filter).toEqual(lists);
  });

  it.each(['resources/subscribe', 'resources/unsubscribe'])(
    'has to name the resource: %s',
    async (method) => {
      const scene = await begun();
      expect((await scene.send(1, method, { uri: 7 }).answer).error).toMatchObject({ code: -32_602 });
    },
  );
});

describe('a stream of changes that ends', () => {
  it.each([
    ['by the server, which shuts down', undefined],
    ['by an error of the server', { error: { code: -32_603, message: 'Subscription limit reached' } }],
    ['by the network', errors.answerLost(url)],
    ['by a gateway', errors.serverError(url, 502, '')],
  ])('%s, is opened again', async (_case, outcome) => {
    const scene = await begun();
    const first = await scene.stream(1);
    await first.acknowledge();
    first.end(outcome);
    const second = await scene.stream(2);
    expect(second.filter).toEqual(lists);
    expect(second.message.id).not.toBe(first.message.id);
    await second.acknowledge();
    await second.report(toolsChanged);
    expect(heard(scene)).toHaveLength(1);
    expect(scene.waits).toEqual([1_000]);
  });

  it('again and again, is opened at growing intervals, and at short ones once it has held', async () => {
    const scene = await begun();
    for (let n = 1; n <= 8; n += 1) {
      const stream = await scene.stream(n);
      await stream.acknowledge();
      if (n === 8) scene.clock.now += 31_000;
      stream.end(errors.answerLost(url));
    }
    await scene.stream(9);
    expect(scene.waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 1_000]);
  });

  it('for the lack of a sign-in, waits for the server to answer something else', async () => {
    const scene = await begun();
    const first = await scene.stream(1);
    await first.acknowledge();
    first.end(errors.signInTimeout(url, 300_000));
    await scene.until(() => scene.waits.length > 0);
    await scene.send(1, 'ping').result;
    // What is tried again at once would be by then.
    for (let turn = 0; turn < 5; turn += 1) await immediate();
    expect(scene.streams).toHaveLength(1);
    await scene.send(2, 'tools/call').result;
    await scene.stream(2);
  });

  it.each([
    ['which knows no subscriptions', false, { error: { code: -32_601, message: 'Method not found' } }],
    ['which answers without agreeing to anything', false, { resultType: 'complete' }],
    ['which reports on nothing after all', true, undefined],
  ])('by the server, %s, is not opened again', async (_case, acknowledges, outcome) => {
    const scene = await begun();
    const stream = await scene.stream(1);
    if (acknowledges) await stream.acknowledge({});
    stream.end(outcome);
    await scene.log.when('the server has stopped reporting changes');
    await scene.send(1, 'tools/call').result;
    expect(scene.waits).toEqual([]);
    expect(scene.streams).toHaveLength(1);
  });

  it('is not waited for when other resources are subscribed to in the meantime', async () => {
    const scene = await begun({ patient: true });
    const first = await scene.stream(1);
    await first.acknowledge();
    first.end(errors.answerLost(url));
    await scene.until(() => scene.waits.length > 0);
    await subscribed(scene, 'a:', 2);
    scene.goOn();
    await scene.send(1, 'tools/call').result;
    expect(scene.streams).toHaveLength(2);
  });

  it('takes resources along that were subscribed to', async () => {
    const scene = await begun();
    await (await scene.stream(1)).acknowledge();
    await subscribed(scene, 'a:', 2);
    scene.streams[1]?.end(errors.answerLost(url));
    const third = await scene.stream(3);
    expect(third.filter).toEqual({ ...lists, resourceSubscriptions: ['a:'] });
    await third.acknowledge();
    await third.report(updated, { uri: 'a:' });
    expect(heard(scene)).toHaveLength(1);
  });

  it('is not opened again when all ends while that is waited for', async () => {
    const scene = await begun({ patient: true });
    const first = await scene.stream(1);
    await first.acknowledge();
    first.end(errors.answerLost(url));
    await scene.until(() => scene.waits.length > 0);
    await scene.side.close();
    scene.goOn();
    await immediate();
    expect(scene.streams).toHaveLength(1);
  });
});
