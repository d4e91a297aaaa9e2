import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { createMemorySharedState } from '../../src/shared-state/memory-shared-state.ts';
import { connectRedisSharedState } from '../../src/shared-state/redis-shared-state.ts';
import { subjects } from '../../src/shared-state/revocation-check.ts';
import { clientId, userId } from '../support/fusionauth-stand-in.ts';
import { bearer, callGetName, protectedServer, type ProtectedServer } from '../support/protected-server.ts';
import { freePort, hasRedis, RedisServer } from '../support/redis-server.ts';

const now = (): number => Math.floor(Date.now() / 1_000);
const statusOf = async ({ endpoint }: ProtectedServer, token: string): Promise<number> =>
  (await callGetName(endpoint, bearer(token))).status;

describe('a revocation', () => {
  it.each([
    ['user', subjects.user(userId), [401, 401, 200]],
    ['client', subjects.client(clientId), [401, 200, 401]],
    ['user of a client', subjects.userOfClient(userId, clientId), [401, 200, 200]],
  ])(
    'of a %s refuses the tokens that were issued before, and no others',
    async (_name, subject, statuses) => {
      const sharedState = createMemorySharedState();
      await using running = await protectedServer({ sharedState });
      const { fusionAuth } = running;
      const otherClient = { aud: ['other-client', fusionAuth.resource] };
      const tokens = [
        await fusionAuth.token(),
        await fusionAuth.token(otherClient),
        await fusionAuth.token({ sub: 'somebody-else' }),
      ];
      for (const token of tokens) expect(await statusOf(running, token)).toBe(200);
      await sharedState.revocations.revoke(subject, now(), now() + 3_600);
      const after = [];
      for (const token of tokens) after.push(await statusOf(running, token));
      expect(after).toEqual(statuses);
      expect(running.entries('access token refused')[0]).toMatchObject({ reason: 'revoked', status: 401 });
      expect(await statusOf(running, await fusionAuth.token({ iat: now() + 1 }))).toBe(200);
    },
  );

  it('refuses a token that does not say when it was issued', async () => {
    const sharedState = createMemorySharedState();
    await using running = await protectedServer({ sharedState });
    const token = await running.fusionAuth.token({ iat: undefined });
    expect(await statusOf(running, token)).toBe(200);
    await sharedState.revocations.revoke(subjects.user(userId), now(), now() + 3_600);
    expect(await statusOf(running, token)).toBe(401);
  });

  it.skipIf(!hasRedis)('that another node heard of is effective here within a second', async () => {
    await using redis = await RedisServer.start();
    await using running = await protectedServer({ env: { REDIS_URL: redis.url } });
    const token = await running.fusionAuth.token();
    expect(await statusOf(running, token)).toBe(200);
    const other = await connectRedisSharedState(
      redis.url,
      createLog({ destination: { write: () => undefined } }),
    );
    await other.revocations.revoke(subjects.user(userId), now(), now() + 3_600);
    const begin = performance.now();
    await expect.poll(async () => statusOf(running, token), { interval: 20 }).toBe(401);
    expect(performance.now() - begin).toBeLessThan(1_000);
    await other.close();
  });

  it.skipIf(!hasRedis)(
    'reaches other nodes sooner than by their looks at Redis, which are 400 ms apart',
    async () => {
      await using redis = await RedisServer.start();
      const quiet = createLog({ destination: { write: () => undefined } });
      const states = await Promise.all([0, 1].map(async () => connectRedisSharedState(redis.url, quiet)));
      const [here, there] = states;
      await expect.poll(async () => there?.messages.listeners('revocations')).toBe(2);
      const begin = performance.now();
      for (let user = 0; user < 20; user += 1) {
        await here?.revocations.revoke(subjects.user(String(user)), now(), now() + 3_600);
        const isRevoked = () => there?.revocations.isRevoked(subjects.user(String(user)), now() - 1);
        await expect.poll(isRevoked, { interval: 5 }).toBe(true);
      }
      // By looks alone each takes the whole pause, since it begins when the look before has just been.
      expect(performance.now() - begin).toBeLessThan(4_000);
      for (const state of states) await state.close();
    },
  );

  it('that cannot be known yet lets nobody in: 503 with Retry-After, not 401', async () => {
    await using running = await protectedServer({
      env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
    });
    const answer = await callGetName(running.endpoint, bearer(await running.fusionAuth.token()));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(running.entries('access token not checked')).toMatchObject([{ reason: 'revocations-unknown' }]);
  });
});
