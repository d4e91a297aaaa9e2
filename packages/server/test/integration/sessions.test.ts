import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { connectRedisSharedState } from '../../src/shared-state/redis-shared-state.ts';
import type { SharedState } from '../../src/shared-state/shared-state.ts';
import { askingServer, Gate } from '../support/asking-server.ts';
import { protectedServer, type ProtectedServer } from '../support/protected-server.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';
import { allEvents, eventsOf, nextMessage, SessionClient } from '../support/session-client.ts';

interface Nodes extends AsyncDisposable {
  readonly first: ProtectedServer;
  readonly second: ProtectedServer;
  readonly redis: RedisServer | undefined;
  readonly gate: Gate;
  /** A client whose session began at the first node. */
  client(options?: {
    claims?: object;
    capabilities?: object;
    protocolVersion?: string;
  }): Promise<SessionClient>;
}

const silent = createLog({ destination: { write: () => undefined } });

/** Two nodes that share a Redis; or one node twice, with everything in its memory. */
async function nodes(
  kind: 'redis' | 'memory',
  env: Record<string, string> = {},
  sharedState?: (redis: RedisServer) => Promise<SharedState>,
): Promise<Nodes> {
  const redis = kind === 'redis' ? await RedisServer.start() : undefined;
  const gate = new Gate();
  const parts = {
    createMcpServer: askingServer(gate),
    env: { DRAIN_TIMEOUT: '0.1', ...(redis !== undefined && { REDIS_URL: redis.url }), ...env },
  };
  const state = redis && (await sharedState?.(redis));
  const first = await protectedServer({ ...parts, ...(state !== undefined && { sharedState: state }) });
  const second = redis ? await protectedServer({ ...parts, fusionAuth: first.fusionAuth }) : first;
  return {
    first,
    second,
    redis,
    gate,
    client: async ({ claims = {}, ...options } = {}) => {
      const client = new SessionClient({ token: await first.fusionAuth.token({ ...claims }), ...options });
      const response = await client.begin(first.endpoint);
      expect(response.status).toBe(200);
      expect(client.sessionId).toMatch(/^[\w-]{36}$/u);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      if (second !== first) await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
    },
  };
}

const textIn = (message: Record<string, unknown> | undefined): string =>
  (message?.['result'] as { content?: { text: string }[] } | undefined)?.content?.[0]?.text ?? '';
const methodIn = (message: Record<string, unknown>): unknown => message['method'];

describe.each(hasRedis ? (['redis', 'memory'] as const) : (['memory'] as const))(
  'the session of a legacy client, in %s',
  (kind) => {
    it('is served by any node', async () => {
      await using system = await nodes(kind);
      const client = await system.client();
      const response = await client.post(system.second.endpoint, { id: 7, method: 'tools/list' });
      const events = await allEvents(response);
      expect(events.map(({ id }) => typeof id)).toEqual(['string', 'string']);
      expect(events.at(-1)?.message).toMatchObject({
        id: 7,
        result: { tools: [{ name: 'elicit' }, {}, {}, {}, {}, {}] },
      });
      const again = await client.post(system.second.endpoint, {
        id: 8,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'x', version: '1' },
        },
      });
      expect(again.status).toBe(400);
    });

    it.each([
      ['elicit', 'elicitation/create', { action: 'accept', content: { name: 'Ada' } }, 'accept Ada'],
      [
        'sample',
        'sampling/createMessage',
        { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' } },
        '{"type":"text","text":"Hi"}',
      ],
      ['roots', 'roots/list', { roots: [{ uri: 'file:///home' }] }, 'file:///home'],
    ])(
      'carries what the tool %s asks to the client, and the answer back from any node',
      async (tool, method, result, text) => {
        await using system = await nodes(kind);
        const capabilities = { elicitation: {}, sampling: {}, roots: {} };
        const client = await system.client({ capabilities });
        const stranger = await system.client({ capabilities });
        const calls = [
          await client.call(system.first.endpoint, tool),
          await client.call(system.first.endpoint, tool),
        ];
        const streams = calls.map((response) => eventsOf(response));
        const ids = [];
        for (const stream of streams) {
          const { message } = await nextMessage(stream);
          expect(methodIn(message)).toBe(method);
          ids.push(message['id']);
        }
        // Two servers ask, each with its first request: to the client they are one session.
        expect(new Set(ids).size).toBe(2);
        for (const [index, stream] of streams.entries()) {
          const id = ids[index];
          // Another session's answer to it counts for nothing.
          await stranger.post(system.second.endpoint, { id, result: { action: 'decline', roots: [] } });
          const heard = await client.post(system.second.endpoint, { id, result });
          expect(heard.status).toBe(202);
          expect(textIn((await nextMessage(stream)).message)).toBe(text);
          expect((await stream.next()).done).toBe(true);
        }
        expect((await client.post(system.first.endpoint, { id: ids[0], result })).status).toBe(400);
      },
    );

    it('says on each stream when to come again should it be cut', async () => {
      await using system = await nodes(kind);
      const client = await system.client();
      const answered = await client.post(system.first.endpoint, { id: 1, method: 'tools/list' });
      expect(await answered.text()).toMatch(/^id: .+\nretry: 1000\ndata: \n\n/mu);
      const own = await client.listen(system.second.endpoint);
      for await (const chunk of own.body ?? []) {
        expect(new TextDecoder().decode(chunk as Uint8Array)).toContain('retry: 1000\n');
        return;
      }
      expect.fail('the stream is empty');
    });

    it('goes on where a stream was cut, at any node, and nothing is lost', async () => {
      await using system = await nodes(kind);
      const client = await system.client();
      const cut = new AbortController();
      const events = eventsOf(await client.call(system.first.endpoint, 'wait', {}, cut.signal));
      const { id, message } = await nextMessage(events);
      expect(message).toMatchObject({ params: { data: 'waiting' } });
      await system.gate.until((waiting) => waiting === 1);
      cut.abort();
      const resumed = await client.listen(system.second.endpoint, id);
      expect(resumed.status).toBe(200);
      system.gate.open();
      const rest = await allEvents(resumed);
      expect(rest[0]?.message).toMatchObject({ params: { data: 'goes on' } });
      expect(textIn(rest[1]?.message)).toBe('at last');
      expect(rest).toHaveLength(2);
      expect(system.gate.aborted).toBe(0);
      // Once more, from the same event; and after the last one there is nothing.
      expect(await allEvents(await client.listen(system.first.endpoint, id))).toEqual(rest);
      expect(await allEvents(await client.listen(system.first.endpoint, rest[1]?.id))).toEqual([]);
    });

    it('cancels a request that runs on another node', async () => {
      await using system = await nodes(kind);
      const client = await system.client();
      const response = await client.call(system.first.endpoint, 'wait');
      await system.gate.until((waiting) => waiting === 1);
      const params = { requestId: client.lastId, reason: 'no longer wanted' };
      // The same request of another session is another one.
      const stranger = await system.client();
      await stranger.post(system.second.endpoint, { method: 'notifications/cancelled', params });
      await client.post(system.second.endpoint, { method: 'notifications/cancelled', params });
      await system.gate.until((waiting) => waiting === 0);
      expect(system.gate.aborted).toBe(1);
      expect((await allEvents(response)).some(({ message }) => message?.['id'] === 1)).toBe(false);
    });

    it('has a stream of its own, which brings what was said before it was opened, once', async () => {
      await using system = await nodes(kind);
      const client = await system.client();
      await allEvents(await client.call(system.first.endpoint, 'speak', { count: 2 }));
      const older = await client.listen(system.second.endpoint);
      const words = eventsOf(older);
      const data = async (stream = words): Promise<unknown> =>
        ((await nextMessage(stream)).message['params'] as { data: unknown }).data;
      expect([await data(), await data()]).toEqual(['word 1', 'word 2']);
      await allEvents(await client.call(system.first.endpoint, 'speak', { count: 1 }));
      const { id } = await nextMessage(words);
      // The client comes again before its old connection is known to be dead: that one ends.
      const newer = eventsOf(await client.listen(system.first.endpoint));
      expect((await words.next()).done).toBe(true);
      await allEvents(await client.call(system.second.endpoint, 'speak', { count: 2 }));
      expect([await data(newer), await data(newer)]).toEqual(['word 1', 'word 2']);
      const again = eventsOf(await client.listen(system.second.endpoint, id));
      expect([await data(again), await data(again)]).toEqual(['word 1', 'word 2']);
      expect((await client.end(system.first.endpoint)).status).toBe(200);
      expect((await again.next()).done).toBe(true);
      const gone = await client.post(system.second.endpoint, { id: 9, method: 'ping' });
      expect(gone.status).toBe(404);
    });

    it('remembers the log level, whichever node was told', async () => {
      await using system = await nodes(kind);
      const client = await system.client();
      const set = { id: 'level', method: 'logging/setLevel', params: { level: 'error' } };
      await allEvents(await client.post(system.first.endpoint, set));
      system.gate
        .until((waiting) => waiting === 1)
        .then(
          () => system.gate.open(),
          () => undefined,
        );
      const events = await allEvents(await client.call(system.second.endpoint, 'wait'));
      expect(events.filter(({ message }) => message?.['method'] === 'notifications/message')).toEqual([]);
      expect(textIn(events.at(-1)?.message)).toBe('at last');
    });

    it.each([
      ['another user', { sub: 'somebody-else' }],
      ['another client', { aud: ['another-client', 'https://mcp.example.com/mcp'] }],
    ])('is not there for %s, and never stands for a token', async (_name, claims) => {
      await using system = await nodes(kind);
      const client = await system.client();
      const thief = new SessionClient({ token: await system.first.fusionAuth.token(claims) });
      const nobody = new SessionClient({ token: 'none' });
      for (const { endpoint } of [system.first, system.second]) {
        for (const [who, status] of [
          [thief, 404],
          [nobody, 401],
        ] as const) {
          who.sessionId = client.sessionId;
          const answers = [
            await who.post(endpoint, { id: 1, method: 'tools/list' }),
            await who.listen(endpoint),
            await who.end(endpoint),
          ];
          expect(answers.map((answer) => answer.status)).toEqual([status, status, status]);
        }
        expect((await client.post(endpoint, { id: 2, method: 'ping' })).status).toBe(200);
      }
    });

    it('ends for a newer one when its owner has too many, and no one else’s does', async () => {
      await using system = await nodes(kind, { RATE_LIMIT_USER: '0' });
      const other = await system.client({ claims: { sub: 'somebody-else' } });
      const oldest = await system.client();
      const second = await system.client();
      const ping = async (client: SessionClient): Promise<number> =>
        (await client.post(system.second.endpoint, { id: 2, method: 'ping' })).status;
      for (let count = 3; count <= 32; count += 1) await system.client();
      // Its use makes the second one the longest idle.
      expect(await ping(oldest)).toBe(200);
      await system.client();
      expect([await ping(oldest), await ping(second), await ping(other)]).toEqual([200, 404, 200]);
    });

    it('is not begun beyond the limit: the client is served without one', async () => {
      await using system = await nodes(kind, { MAX_SESSIONS: '1', SESSION_TIMEOUT: '0.5' });
      const client = await system.client();
      const other = new SessionClient({ token: await system.first.fusionAuth.token({ sub: 'other' }) });
      expect((await other.begin(system.second.endpoint)).status).toBe(200);
      expect(other.sessionId).toBe('');
      const events = await allEvents(await other.call(system.second.endpoint, 'large', { count: 3 }));
      expect(textIn(events.at(-1)?.message)).toBe('xxx');
      // Until the first one has been idle for too long.
      await expect
        .poll(async () => {
          await other.begin(system.first.endpoint);
          return other.sessionId;
        })
        .not.toBe('');
      expect((await client.post(system.first.endpoint, { id: 3, method: 'ping' })).status).toBe(404);
    });

    it('is not begun by a client that says more than 16 KiB of itself: it is served without one', async () => {
      await using system = await nodes(kind);
      const capabilities = { experimental: { talkative: { text: 'x'.repeat(16 * 1_024) } } };
      const token = await system.first.fusionAuth.token();
      const client = new SessionClient({ token, capabilities });
      expect((await client.begin(system.first.endpoint)).status).toBe(200);
      expect(client.sessionId).toBe('');
    });

    it('keeps no answer that is too large to be sent again, and says so to who needs it again', async () => {
      await using system = await nodes(kind);
      const client = await system.client();
      const events = await allEvents(await client.call(system.first.endpoint, 'large', { count: 2_000_000 }));
      expect(textIn(events.at(-1)?.message)).toHaveLength(2_000_000);
      const again = await allEvents(await client.listen(system.second.endpoint, events[0]?.id));
      expect(again.at(-1)?.message).toMatchObject({ id: client.lastId, error: { code: -32_000 } });
      // Others push the first one out.
      await allEvents(await client.call(system.first.endpoint, 'large', { count: 900_000 }));
      await allEvents(await client.call(system.first.endpoint, 'large', { count: 900_000 }));
      const late = await client.listen(system.second.endpoint, events[0]?.id);
      expect(late.status).toBe(400);
      for (const made of ['nonsense', 'session.999999', '1.2.3.4']) {
        expect((await client.listen(system.second.endpoint, made)).status).toBe(400);
      }
    });

    it('serves a batch of 2025-03-26', async () => {
      await using system = await nodes(kind);
      const client = await system.client({ protocolVersion: '2025-03-26' });
      const batch = [1, 2].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' }));
      const events = await allEvents(await client.post(system.second.endpoint, batch));
      expect(events.map(({ message }) => message?.['id'])).toEqual([1, 2]);
      expect((await client.post(system.second.endpoint, [])).status).toBe(400);
    });
  },
);

describe.skipIf(!hasRedis)('legacy sessions', () => {
  it('that a node took with it: what it worked on gets an error, within seconds', async () => {
    const states: SharedState[] = [];
    await using system = await nodes('redis', {}, async (redis) => {
      const state = await connectRedisSharedState(redis.url, silent);
      states.push(state);
      return state;
    });
    const client = await system.client();
    const cut = new AbortController();
    const { id } = await nextMessage(
      eventsOf(await client.call(system.first.endpoint, 'wait', {}, cut.signal)),
    );
    cut.abort();
    // As when the process is killed: Redis sees its connections end.
    for (const state of states) await state.close();
    const events = await allEvents(await client.listen(system.second.endpoint, id));
    expect(events).toHaveLength(1);
    expect(events[0]?.message).toMatchObject({ id: client.lastId, error: { code: -32_000 } });
    expect((await client.post(system.second.endpoint, { id: 5, method: 'ping' })).status).toBe(200);
  });

  it('of a node that ends orderly: what it worked on gets an error, for whoever resumes', async () => {
    await using system = await nodes('redis');
    const client = await system.client();
    const events = eventsOf(await client.call(system.first.endpoint, 'wait'));
    const { id } = await nextMessage(events);
    await system.first.server.close();
    const resumed = await allEvents(await client.listen(system.second.endpoint, id));
    expect(resumed[0]?.message).toMatchObject({
      id: client.lastId,
      error: { message: 'The server is ending.' },
    });
  });

  it('without Redis: known ones get 503, new clients are served without one, and nobody gets in by that', async () => {
    await using system = await nodes('redis');
    const client = await system.client();
    const waiting = await client.call(system.first.endpoint, 'wait');
    await system.gate.until((count) => count === 1);
    await system.redis?.stop();
    const unavailable = await client.post(system.second.endpoint, { id: 1, method: 'tools/list' });
    expect(unavailable.status).toBe(503);
    expect(unavailable.headers.get('retry-after')).toBe('1');
    // A call under way is answered all the same.
    system.gate.open();
    expect(textIn((await allEvents(waiting)).at(-1)?.message)).toBe('at last');
    const later = new SessionClient({ token: await system.first.fusionAuth.token() });
    expect((await later.begin(system.second.endpoint)).status).toBe(200);
    expect(later.sessionId).toBe('');
    const thief = new SessionClient({ token: await system.first.fusionAuth.token({ sub: 'other' }) });
    thief.sessionId = client.sessionId;
    expect((await thief.post(system.second.endpoint, { id: 1, method: 'tools/list' })).status).toBe(503);
    // This Redis kept nothing: the session is gone, and the client begins another one.
    await system.redis?.start();
    for (const { endpoint } of [system.first, system.second]) {
      await expect
        .poll(async () => (await client.post(endpoint, { id: 1, method: 'ping' })).status)
        .toBe(404);
    }
    const renewed = await system.client();
    expect((await renewed.post(system.second.endpoint, { id: 1, method: 'ping' })).status).toBe(200);
  });

  it('take no more of Redis than is stated', async () => {
    await using system = await nodes('redis');
    const client = await system.client();
    for (let count = 0; count < 5; count += 1) {
      await allEvents(await client.call(system.first.endpoint, 'large', { count: 400_000 }));
    }
    const events = await allEvents(await client.call(system.first.endpoint, 'speak', { count: 400 }));
    expect(textIn(events.at(-1)?.message)).toBe('spoken');
    const { Redis } = await import('ioredis');
    const redis = new Redis(system.redis?.url ?? '');
    const key = `{mcp-keyhole}:session:${client.sessionId}:events`;
    expect(await redis.xlen(key)).toBeLessThanOrEqual(256);
    expect(await redis.memory('USAGE', key)).toBeLessThan(1.5 * 1024 * 1024);
    for (const name of await redis.keys('{mcp-keyhole}:session*'))
      expect(await redis.pttl(name)).toBeGreaterThan(0);
    await client.end(system.second.endpoint);
    expect(await redis.keys(`*${client.sessionId}*`)).toEqual([]);
    redis.disconnect();
  });
});
