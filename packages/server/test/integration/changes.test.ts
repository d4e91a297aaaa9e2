import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  InMemoryServerEventBus,
  McpServer,
  type ServerEvent,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { protectedServer, type ProtectedServer } from '../support/protected-server.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';
import { eventsOf, SessionClient } from '../support/session-client.ts';

interface Node extends AsyncDisposable {
  readonly changes: ServerEventBus;
  readonly protectedServer: ProtectedServer;
}

/** A node whose MCP servers have lists that change. */
async function node(options: { env?: Record<string, string>; beside?: Node } = {}): Promise<Node> {
  const changes = new InMemoryServerEventBus();
  const capabilities = {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { subscribe: true },
  };
  const server = await protectedServer({
    createMcpServer: () => new McpServer({ name: 'changing', version: '1.0.0' }, { capabilities }),
    changes,
    env: { DRAIN_TIMEOUT: '0.1', ...options.env },
    ...(options.beside && { fusionAuth: options.beside.protectedServer.fusionAuth }),
  });
  return {
    changes,
    protectedServer: server,
    [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose](),
  };
}

/** Resources by which two nodes show that they hear each other. */
const greetings = ['greeting:first', 'greeting:second'];

/** A client of the modern era that listens for changed tools, and for one resource. */
async function listener({ protectedServer: { endpoint, fusionAuth } }: Node): Promise<{
  readonly heard: string[];
  readonly greeted: Set<string>;
  readonly close: () => Promise<void>;
}> {
  const heard: string[] = [];
  const greeted = new Set<string>();
  const client = new Client(
    { name: 'listener', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  for (const list of ['tools', 'prompts'] as const) {
    client.setNotificationHandler(`notifications/${list}/list_changed`, () => void heard.push(list));
  }
  client.setNotificationHandler('notifications/resources/updated', ({ params: { uri } }) => {
    if (greetings.includes(uri)) greeted.add(uri);
    else heard.push(uri);
  });
  const headers = { Authorization: `Bearer ${await fusionAuth.token()}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), { requestInit: { headers } }));
  await client.listen({ toolsListChanged: true, resourceSubscriptions: ['note:1', ...greetings] });
  return { heard, greeted, close: async () => client.close() };
}

/** The last is heard, and so are those before it that are to be heard. */
const events: ServerEvent[] = [
  { kind: 'prompts_list_changed' },
  { kind: 'resource_updated', uri: 'note:2' },
  { kind: 'tools_list_changed' },
  { kind: 'resource_updated', uri: 'note:1' },
];
const wanted = ['tools', 'note:1'];

/** A client of the legacy era that reads its session's own stream. @returns the methods of what it is sent */
async function legacyListener({
  protectedServer: { endpoint, fusionAuth },
}: Node): Promise<AsyncGenerator<unknown, void>> {
  const client = new SessionClient({ token: await fusionAuth.token() });
  await client.begin(endpoint);
  const { body } = await client.listen(endpoint);
  const [head, stream] = (body ?? expect.fail('there is no stream')).tee();
  // The server listens when it has sent the first bytes.
  await head.getReader().read();
  return methodsOn(new Response(stream));
}

async function* methodsOn(response: Response): AsyncGenerator<unknown, void> {
  for await (const { message } of eventsOf(response)) yield message?.['method'];
}

describe('changes that MCP servers made here publish', () => {
  it('reach the clients that listen for them, and no others', async () => {
    await using only = await node();
    const { heard, close } = await listener(only);
    for (const event of events) only.changes.publish(event);
    await expect.poll(() => heard).toEqual(wanted);
    await close();
  });

  it('reach the own streams of sessions where they are of lists', async () => {
    await using only = await node();
    const methods = await legacyListener(only);
    for (const event of events) only.changes.publish(event);
    expect((await methods.next()).value).toBe('notifications/prompts/list_changed');
    expect((await methods.next()).value).toBe('notifications/tools/list_changed');
  });

  it.skipIf(!hasRedis)('reach the clients of every node once; without Redis those of their own', async () => {
    await using redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    await using first = await node({ env });
    await using second = await node({ env, beside: first });
    const [one, two] = [await listener(first), await listener(second)];
    const legacy = await legacyListener(second);
    // Nodes hear one another as soon as they have subscribed.
    await expect
      .poll(() => {
        for (const [index, { changes }] of [first, second].entries()) {
          changes.publish({ kind: 'resource_updated', uri: greetings[index] ?? '' });
        }
        return [one, two].map(({ greeted }) => greeted.size);
      })
      .toEqual([greetings.length, greetings.length]);
    for (const event of events) first.changes.publish(event);
    await expect.poll(() => two.heard).toEqual(wanted);
    expect(one.heard).toEqual(wanted);
    expect((await legacy.next()).value).toBe('notifications/prompts/list_changed');

    await redis.stop();
    first.changes.publish({ kind: 'tools_list_changed' });
    await expect.poll(() => one.heard).toEqual([...wanted, 'tools']);
    await expect.poll(() => first.protectedServer.entries('a change was not told to all')).toHaveLength(1);
    expect(two.heard).toEqual(wanted);
    await one.close();
    await two.close();
  });
});
