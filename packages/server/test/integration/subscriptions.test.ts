import { InMemoryServerEventBus, McpServer } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { protectedServer, type ProtectedServer } from '../support/protected-server.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';
import { allEvents, eventsOf, nextMessage, SessionClient } from '../support/session-client.ts';

type Kind = 'redis' | 'memory';

/** Decides on subscriptions by itself, and fails with what it throws. */
type Decision = (uri: string) => Promise<void>;

interface Node {
  readonly endpoint: string;
  readonly update: (uri: string) => void;
}

interface System extends AsyncDisposable {
  readonly first: Node;
  readonly second: Node;
  readonly redis: RedisServer | undefined;
  client(claims?: object): Promise<SessionClient>;
}

/** Two nodes that share a Redis; or one node twice, with everything in its memory. */
async function system(kind: Kind, decide?: Decision): Promise<System> {
  const redis = kind === 'redis' ? await RedisServer.start() : undefined;
  const env = { DRAIN_TIMEOUT: '0.1', ...(redis !== undefined && { REDIS_URL: redis.url }) };
  const createMcpServer = (): McpServer => {
    const server = new McpServer(
      { name: 'changing', version: '1.0.0' },
      { capabilities: { resources: { subscribe: true } } },
    );
    if (decide === undefined) return server;
    server.server.setRequestHandler('resources/subscribe', async ({ params }) => {
      await decide(params.uri);
      return {};
    });
    return server;
  };
  const servers: ProtectedServer[] = [];
  const node = async (): Promise<Node> => {
    const changes = new InMemoryServerEventBus();
    const beside = servers[0] && { fusionAuth: servers[0].fusionAuth };
    const server = await protectedServer({ createMcpServer, changes, env, ...beside });
    servers.push(server);
    return {
      endpoint: server.endpoint,
      update: (uri) => changes.publish({ kind: 'resource_updated', uri }),
    };
  };
  const first = await node();
  const second = redis === undefined ? first : await node();
  return {
    first,
    second,
    redis,
    client: async (claims = {}) => {
      const token = await servers[0]?.fusionAuth.token({ ...claims });
      const client = new SessionClient({ token: token ?? '' });
      await client.begin(first.endpoint);
      expect(client.sessionId).not.toBe('');
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of servers.reverse()) await server[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
    },
  };
}

/** The answer to a `resources/subscribe`, or to another method with a URI. */
async function ask(
  client: SessionClient,
  { endpoint }: Node,
  uri: string,
  method = 'resources/subscribe',
): Promise<Record<string, unknown>> {
  const response = await client.post(endpoint, { id: uri, method, params: { uri } });
  return (await allEvents(response)).at(-1)?.message ?? {};
}

/** Reads a session's own stream. */
class Stream {
  lastEventId: string | undefined;
  readonly #events: ReturnType<typeof eventsOf>;

  private constructor(events: ReturnType<typeof eventsOf>) {
    this.#events = events;
  }

  /** Settles when the server listens, which it does when it has sent the first bytes. */
  static async open(
    client: SessionClient,
    { endpoint }: Node,
    { lastEventId, signal }: { lastEventId?: string | undefined; signal?: AbortSignal } = {},
  ): Promise<Stream> {
    const { body } = await client.listen(endpoint, lastEventId, signal);
    const [head, rest] = (body ?? expect.fail('there is no stream')).tee();
    await head.getReader().read();
    return new Stream(eventsOf(new Response(rest)));
  }

  /** What it tells of until it tells of this one. */
  async updatesUntil(uri: string): Promise<unknown[]> {
    const heard: unknown[] = [];
    for (;;) {
      const { id, message } = await nextMessage(this.#events);
      this.lastEventId = id;
      expect(message['method']).toBe('notifications/resources/updated');
      const updated = (message['params'] as { uri: string }).uri;
      if (updated === uri) return heard;
      heard.push(updated);
    }
  }

  async hasEnded(): Promise<boolean> {
    return (await this.#events.next()).done === true;
  }
}

/** Nodes hear one another as soon as they have subscribed to that in Redis. */
async function untilHeard(stream: Stream, { update }: Node, uri: string): Promise<void> {
  let isHeard = false;
  const until = stream.updatesUntil(uri).then(() => (isHeard = true));
  await expect
    .poll(() => {
      update(uri);
      return isHeard;
    })
    .toBe(true);
  await until;
}

describe.each(hasRedis ? (['redis', 'memory'] as const) : (['memory'] as const))(
  'a legacy client that subscribes to resources, in %s',
  (kind) => {
    it('hears of those, whichever node says that they have changed, and nobody else does', async () => {
      await using nodes = await system(kind);
      const { first, second } = nodes;
      const client = await nodes.client();
      const sameUser = await nodes.client();
      const stranger = await nodes.client({ sub: 'somebody-else' });
      for (const [who, uris] of [
        [client, ['note:1', 'note:2', 'ready', 'end']],
        [sameUser, ['ready', 'end']],
        [stranger, ['note:3', 'ready', 'end']],
      ] as const) {
        for (const uri of uris) expect(await ask(who, first, uri)).toMatchObject({ result: {} });
      }
      const streams = [];
      for (const who of [client, sameUser, stranger]) streams.push(await Stream.open(who, second));
      for (const stream of streams) await untilHeard(stream, first, 'ready');
      for (const uri of ['note:3', 'note:2', 'note:1', 'note:2', 'other', 'end']) first.update(uri);
      const heard = [];
      for (const stream of streams) {
        heard.push((await stream.updatesUntil('end')).filter((uri) => uri !== 'ready'));
      }
      expect(heard).toEqual([['note:2', 'note:1', 'note:2'], [], ['note:3']]);
      second.update('note:1');
      second.update('end');
      expect(await streams[0]?.updatesUntil('end')).toEqual(['note:1']);
    });

    it('may do so while it listens, and unsubscribe, at any node, with effect from the answer on', async () => {
      await using nodes = await system(kind);
      const { first, second } = nodes;
      const client = await nodes.client();
      const stream = await Stream.open(client, second);
      await ask(client, second, 'end');
      second.update('end');
      await stream.updatesUntil('end');
      for (const node of [first, second]) {
        await ask(client, node, 'note:1');
        second.update('note:1');
        second.update('end');
        expect(await stream.updatesUntil('end')).toEqual(['note:1']);
        const answer = await ask(client, node, 'note:1', 'resources/unsubscribe');
        expect(answer).toMatchObject({ result: {} });
        second.update('note:1');
        second.update('end');
        expect(await stream.updatesUntil('end')).toEqual([]);
      }
    });

    it('is told what changed while its connection was cut, when it listens again at another node', async () => {
      await using nodes = await system(kind);
      const { first, second } = nodes;
      const client = await nodes.client();
      await ask(client, first, 'note:1');
      await ask(client, first, 'end');
      const cut = new AbortController();
      const stream = await Stream.open(client, first, { signal: cut.signal });
      first.update('end');
      await stream.updatesUntil('end');
      cut.abort();
      // The server learns of the cut before it answers.
      expect((await client.post(first.endpoint, { id: 2, method: 'ping' })).status).toBe(200);
      first.update('note:1');
      first.update('end');
      const again = await Stream.open(client, second, { lastEventId: stream.lastEventId });
      expect(await again.updatesUntil('end')).toEqual(['note:1']);
      second.update('note:1');
      second.update('end');
      expect(await again.updatesUntil('end')).toEqual(['note:1']);
    });

    it('hears nothing when it has ended its session, and nothing is left of that', async () => {
      await using nodes = await system(kind);
      const { first, second } = nodes;
      const client = await nodes.client();
      await ask(client, first, 'note:1');
      const stream = await Stream.open(client, second);
      expect((await client.end(first.endpoint)).status).toBe(200);
      expect(await stream.hasEnded()).toBe(true);
      for (const { update } of [first, second]) update('note:1');
      expect((await client.listen(second.endpoint)).status).toBe(404);
      if (nodes.redis === undefined) return;
      const { Redis } = await import('ioredis');
      const redis = new Redis(nodes.redis.url);
      expect(await redis.keys(`*${client.sessionId}*`)).toEqual([]);
      redis.disconnect();
    });

    it('subscribes to 256 resources at most, with URIs of 2,048 characters at most', async () => {
      await using nodes = await system(kind);
      const { first, second } = nodes;
      const client = await nodes.client();
      const long = `note:${'x'.repeat(2_048 - 'note:'.length)}`;
      const ids = Array.from({ length: 255 }, (_, index) => `note:${index}`);
      const batches = [ids.slice(0, 100), ids.slice(100, 200), ids.slice(200)];
      for (const batch of batches) {
        const body = batch.map((uri) => ({
          jsonrpc: '2.0',
          id: uri,
          method: 'resources/subscribe',
          params: { uri },
        }));
        const answers = (await allEvents(await client.post(first.endpoint, body))).filter(
          ({ message }) => message !== undefined,
        );
        expect(answers.filter(({ message }) => message?.['error'] === undefined)).toHaveLength(batch.length);
      }
      expect(await ask(client, second, `${long}x`)).toMatchObject({
        error: { message: 'A URI to subscribe to has at most 2048 characters' },
      });
      expect(await ask(client, second, long)).toMatchObject({ result: {} });
      expect(await ask(client, second, 'one more')).toMatchObject({
        error: { code: -32_000, message: 'A session has at most 256 subscriptions' },
      });
      // One that it has already is none more; one fewer makes room.
      expect(await ask(client, first, 'note:0')).toMatchObject({ result: {} });
      await ask(client, first, 'note:0', 'resources/unsubscribe');
      await ask(client, first, 'note:0', 'resources/unsubscribe');
      expect(await ask(client, second, 'one more')).toMatchObject({ result: {} });
      expect(await ask(client, first, 'note:0')).toMatchObject({ error: { code: -32_000 } });
    });

    it('is not subscribed where the server refuses', async () => {
      await using nodes = await system(kind, async (uri) => {
        if (uri === 'secret') throw new Error('not yours');
        return Promise.resolve();
      });
      const { first } = nodes;
      const client = await nodes.client();
      expect(await ask(client, first, 'secret')).toMatchObject({ error: { message: 'not yours' } });
      await ask(client, first, 'end');
      const stream = await Stream.open(client, first);
      first.update('secret');
      first.update('end');
      expect(await stream.updatesUntil('end')).toEqual([]);
    });
  },
);

describe.skipIf(!hasRedis)('a subscription', () => {
  it('that Redis goes away under is an error, and not one that is lost', async () => {
    let arrived = (): void => undefined;
    let answer = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => (arrived = resolve));
    const mayAnswer = new Promise<void>((resolve) => (answer = resolve));
    await using nodes = await system('redis', async () => {
      arrived();
      await mayAnswer;
    });
    const client = await nodes.client();
    const answered = ask(client, nodes.first, 'note:1');
    await isAsked;
    await nodes.redis?.stop();
    answer();
    expect(await answered).toMatchObject({ error: { code: -32_000, message: /Try again/u } });
  });
});
