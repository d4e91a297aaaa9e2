import { describe, expect, it } from 'vitest';
import { bearer, callGetName, protectedServer, type ProtectedServer } from '../support/protected-server.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';

describe('two nodes with one Redis', () => {
  async function passed(nodes: ProtectedServer[], each: number): Promise<number> {
    const calls = nodes.flatMap((node) =>
      Array.from({ length: each }, async () => {
        const response = await callGetName(node.endpoint, bearer(await node.fusionAuth.token()));
        expect([200, 429]).toContain(response.status);
        return response.status;
      }),
    );
    return (await Promise.all(calls)).filter((status) => status === 200).length;
  }

  it.skipIf(!hasRedis)(
    'let a user pass as often as one node would, and go on with a limit each when Redis dies',
    async () => {
      await using redis = await RedisServer.start();
      const env = { REDIS_URL: redis.url, RATE_LIMIT_USER: '10' };
      await using first = await protectedServer({ env });
      await using second = await protectedServer({ env });
      expect(await passed([first, second], 15)).toBe(10);
      await redis.stop();
      const other = { sub: 'somebody-else' };
      const [one, two] = [await first.fusionAuth.token(other), await second.fusionAuth.token(other)];
      expect((await callGetName(first.endpoint, bearer(one))).status).toBe(200);
      expect((await callGetName(second.endpoint, bearer(two))).status).toBe(200);
    },
  );

  it('count each for itself without Redis', async () => {
    await using first = await protectedServer({ env: { RATE_LIMIT_USER: '10' } });
    await using second = await protectedServer({ env: { RATE_LIMIT_USER: '10' } });
    expect(await passed([first, second], 15)).toBe(20);
  });
});
