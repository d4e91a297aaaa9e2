import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { createMemorySharedState } from '../../src/shared-state/memory-shared-state.ts';
import { connectRedisSharedState } from '../../src/shared-state/redis-shared-state.ts';
import { SharedStateUnavailable, type SharedState } from '../../src/shared-state/shared-state.ts';
import { freePort, hasRedis, RedisServer } from '../support/redis-server.ts';

const now = (): number => Math.floor(Date.now() / 1_000);
const open: SharedState[] = [];
const lines: string[] = [];
const log = createLog({ destination: { write: (line) => void lines.push(line) } });

afterEach(async () => {
  for (const state of open.splice(0)) await state.close();
  lines.length = 0;
});

async function node(url: string): Promise<SharedState> {
  const state = await connectRedisSharedState(url, log);
  open.push(state);
  return state;
}

/** Milliseconds until a node refuses the subject's tokens. */
async function effectiveAfter(state: SharedState, subject: string): Promise<number> {
  const begin = performance.now();
  while (!state.revocations.isRevoked(subject, now() - 10)) {
    if (performance.now() - begin > 5_000) throw new Error(`the revocation of ${subject} never arrived`);
    await delay(10);
  }
  return performance.now() - begin;
}

/** How many of a number of uses are allowed. */
async function allowed(state: SharedState, uses: number): Promise<number> {
  const limit = state.rateLimit('test', 10);
  let count = 0;
  for (let use = 0; use < uses; use += 1) if ((await limit.take('key')).allowed) count += 1;
  return count;
}

describe('the shared state in memory', () => {
  it('revokes, and limits each key for itself', async () => {
    const state = createMemorySharedState();
    await state.revocations.revoke('user', now(), now() + 60);
    expect(state.revocations.isRevoked('user', now() - 1)).toBe(true);
    expect(state.revocations.isRevoked('user', now() + 1)).toBe(false);
    const limit = state.rateLimit('test', 2);
    expect((await limit.take('a')).allowed).toBe(true);
    expect((await limit.take('a')).allowed).toBe(true);
    const third = await limit.take('a');
    expect(third.allowed).toBe(false);
    expect(third.resetAfter).toBeGreaterThan(50_000);
    expect((await limit.take('b')).allowed).toBe(true);
    expect(state.unreadiness()).toBeUndefined();
  });
});

/** Writes one text more than there may be, the first one again before the last. @returns what is read then */
async function textsAfterTooMany(writer: SharedState, reader: SharedState): Promise<unknown[]> {
  const texts = writer.texts('test', 2);
  await texts.write('a', 'old');
  await texts.write('b', 'text of b');
  await texts.write('a', 'text of a');
  // Reading makes nothing newer.
  await texts.read('b');
  await texts.write('c', 'text of c');
  const read = reader.texts('test', 2);
  return Promise.all(['a', 'b', 'c', 'd'].map(async (key) => read.read(key)));
}

const keptTexts = ['text of a', undefined, 'text of c', undefined];

describe('the texts', () => {
  it('in memory are as many as there may be, the newest of them', async () => {
    const texts = createMemorySharedState().texts('test', 2);
    const state = { ...createMemorySharedState(), texts: () => texts };
    expect(await textsAfterTooMany(state, state)).toEqual(keptTexts);
  });

  it.skipIf(!hasRedis)('in Redis too, for every node; and it keeps no others', async () => {
    await using redis = await RedisServer.start();
    const [first, second] = [await node(redis.url), await node(redis.url)];
    expect(await textsAfterTooMany(first, second)).toEqual(keptTexts);
    expect(await second.texts('other', 2).read('a')).toBeUndefined();
    const { Redis } = await import('ioredis');
    const client = new Redis(redis.url);
    expect(await client.hlen('{mcp-keyhole}:texts:test')).toBe(2);
    client.disconnect();
    await redis.stop();
    await expect(first.texts('test', 2).read('a')).rejects.toThrow(SharedStateUnavailable);
    await expect(first.texts('test', 2).write('a', 'x')).rejects.toThrow(SharedStateUnavailable);
  });
});

describe.skipIf(!hasRedis)('the shared state in Redis', () => {
  it('tells a revocation to every node within a second, and to one that starts later', async () => {
    await using redis = await RedisServer.start();
    const [first, second] = [await node(redis.url), await node(redis.url)];
    await first.revocations.revoke('user', now(), now() + 60);
    expect(first.revocations.isRevoked('user', now() - 10)).toBe(true);
    expect(await effectiveAfter(second, 'user')).toBeLessThan(1_000);
    expect((await node(redis.url)).revocations.isRevoked('user', now() - 10)).toBe(true);
    expect(second.revocations.isRevoked('other', now() - 10)).toBe(false);
  });

  it('keeps the later of two revocations that two nodes write', async () => {
    await using redis = await RedisServer.start();
    const [first, second] = [await node(redis.url), await node(redis.url)];
    const time = now();
    await Promise.all([
      first.revocations.revoke('user', time, time + 60),
      second.revocations.revoke('user', time - 100, time + 120),
    ]);
    expect((await node(redis.url)).revocations.isRevoked('user', time)).toBe(true);
    expect(await effectiveAfter(second, 'user')).toBeLessThan(1_000);
  });

  it('counts a limit over all nodes', async () => {
    await using redis = await RedisServer.start();
    const [first, second] = [await node(redis.url), await node(redis.url)];
    const counts = await Promise.all([allowed(first, 20), allowed(second, 20)]);
    expect(counts[0] + counts[1]).toBe(10);
  });

  it('goes on without Redis with what it knows and limits of its own, and says so once', async () => {
    await using redis = await RedisServer.start();
    const [first, second] = [await node(redis.url), await node(redis.url)];
    await first.revocations.revoke('early', now(), now() + 60);
    await effectiveAfter(second, 'early');
    await redis.stop();
    await expect(first.revocations.revoke('late', now(), now() + 60)).rejects.toThrow(SharedStateUnavailable);
    expect(first.revocations.isRevoked('late', now() - 10)).toBe(true);
    expect(second.revocations.isRevoked('early', now() - 10)).toBe(true);
    expect(second.unreadiness()).toBeUndefined();
    expect([await allowed(first, 20), await allowed(second, 20)]).toEqual([10, 10]);

    const complaints = (): number => lines.filter((line) => line.includes('Redis does not answer')).length;
    while (complaints() < 2) await delay(10);

    // A Redis that forgot everything learns it from the nodes, and the nodes what they missed.
    await redis.start();
    await effectiveAfter(second, 'late');
    const third = await node(redis.url);
    for (const subject of ['early', 'late']) await effectiveAfter(third, subject);
    expect(complaints()).toBe(2);
  });

  it('holds no request when Redis hangs', async () => {
    await using redis = await RedisServer.start();
    const state = await node(redis.url);
    redis.freeze();
    const begin = performance.now();
    expect((await state.rateLimit('test', 10).take('key')).allowed).toBe(true);
    expect(state.revocations.isRevoked('user', now())).toBe(false);
    expect(performance.now() - begin).toBeLessThan(1_500);
    redis.thaw();
  });

  it('lets nobody in before it has read the revocations, and then by itself', async () => {
    const port = await freePort();
    const state = await node(`redis://127.0.0.1:${port}`);
    expect(() => state.revocations.isRevoked('user', now())).toThrow(SharedStateUnavailable);
    expect(state.unreadiness()).toContain('not been read');
    expect((await state.rateLimit('test', 10).take('key')).allowed).toBe(true);
    await using redis = await RedisServer.start({ port });
    while (state.unreadiness() !== undefined) await delay(10);
    expect(state.revocations.isRevoked('user', now())).toBe(false);
    expect(redis.port).toBe(port);
  });
});
