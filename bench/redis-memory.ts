// What Redis keeps of sessions, events and users.
import { execFileSync } from 'node:child_process';
import { Load } from '../e2e/support/load.ts';
import type { RedisServer } from '../packages/server/test/support/redis-server.ts';
import { idleClient, type IdleScene } from './idle-scene.ts';
import { single } from './statistics.ts';
import type { Row, Table } from './table.ts';

export async function redisMemory(scene: IdleScene, count: number): Promise<Table> {
  return {
    id: 'kept',
    title: 'What Redis keeps',
    notes: [`The growth of Redis' \`used_memory\` by ${count} of each, divided by them.`],
    columns: [{ key: 'bytes', title: 'bytes each', digits: 0 }],
    rows: await keptInRedis(scene, count),
  };
}

async function keptInRedis({ redis, state }: IdleScene, count: number): Promise<Row[]> {
  let last = usedBytes(redis);
  const sessions = state.sessions({ idle: 3_600_000, most: 10 * count, mostOfOwner: 32 });
  const perUser = state.rateLimit('user', 600);
  const message = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    result: {
      content: [{ type: 'text', text: 'Hello, Test User!' }],
      structuredContent: { result: 'Hello, Test User!' },
    },
  });
  const things: Record<string, (index: number) => Promise<unknown>> = {
    'a legacy session': async (index) =>
      sessions.begin({
        id: `kept-${index}`.padEnd(36, '-'),
        owner: JSON.stringify([`user-${index}`.padEnd(36, '-'), 'client'.padEnd(36, '-')]),
        client: { protocolVersion: '2025-11-25', capabilities: { sampling: {} }, clientInfo: idleClient },
      }),
    [`an event of ${message.length} bytes in a session of its own`]: async (index) =>
      sessions.append(`kept-${index}`.padEnd(36, '-'), {
        stream: 'node.stream-of-24-letters',
        message,
        pending: [],
      }),
    'a user within the rate limits': async (index) => perUser.take(`user-${index}`.padEnd(36, '-')),
  };
  const rows: Row[] = [];
  for (const [name, make] of Object.entries(things)) {
    let index = 0;
    const one = async (): Promise<void> => {
      const own = index++;
      // On a busy machine Redis may be later than a server would wait for it.
      await make(own).catch(async () => make(own));
    };
    await new Load(
      Array.from({ length: count }, () => one),
      50,
    ).run();
    const used = usedBytes(redis);
    rows.push({ name, cells: { bytes: single((used - last) / count) } });
    last = used;
  }
  return rows;
}

/** What Redis has allocated. */
function usedBytes({ port }: RedisServer): number {
  const text = execFileSync('redis-cli', ['-p', String(port), 'info', 'memory'], { encoding: 'utf8' });
  return Number(/used_memory:(\d+)/u.exec(text)?.[1]);
}
