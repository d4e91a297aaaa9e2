// What a node holds without being asked anything: the memory of open streams, what Redis keeps, and how long a start takes.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { connectRedisSharedState, createLog, type SharedState } from '@mcp-keyhole/server';
import { freePort } from '../e2e/support/free-port.ts';
import { Load } from '../e2e/support/load.ts';
import { PrivateHome } from '../e2e/support/private-home.ts';
import { Processes, type RunningProcess } from '../e2e/support/processes.ts';
import { binFile } from '../e2e/support/programs.ts';
import { RedisServer } from '../packages/server/test/support/redis-server.ts';
import { spreadOf } from './statistics.ts';
import type { Row, Table } from './table.ts';

/** What is open, or kept, while memory is measured. */
interface Counts {
  readonly streams: number;
  readonly kept: number;
  readonly starts: number;
}

/** Milliseconds between two looks whether a server is ready: what a start is measured to. */
const pollPause = 5;

const oneAt = (value: number) => spreadOf([value]);
const info = { name: 'idle', version: '1.0.0' };

export async function idleFigures(counts: Counts): Promise<readonly Table[]> {
  const [processes, home] = [new Processes(), new PrivateHome()];
  const redis = await RedisServer.start();
  const log = createLog({ destination: { write: () => undefined } });
  const state = await connectRedisSharedState(redis.url, log);
  try {
    const scene = { processes, home, redis, state };
    const streams = [await listeners(scene, counts.streams), await sessionStreams(scene, counts.streams)];
    return [
      {
        id: 'idle',
        title: 'Idle streams on one node',
        notes: [
          `${counts.streams} at once, from one process on the same machine; resident memory of the server before and with them, without TLS, which the proxy in front ends.`,
        ],
        columns: [
          { key: 'open', title: 'open', digits: 0 },
          { key: 'before', title: 'resident before, MiB', digits: 0 },
          { key: 'with', title: 'with them, MiB', digits: 0 },
          { key: 'each', title: 'KiB each', digits: 1 },
        ],
        rows: streams,
      },
      {
        id: 'kept',
        title: 'What Redis keeps',
        notes: [`The growth of Redis' \`used_memory\` by ${counts.kept} of each, divided by them.`],
        columns: [{ key: 'bytes', title: 'bytes each', digits: 0 }],
        rows: await keptInRedis(scene, counts.kept),
      },
      {
        id: 'start',
        title: 'A cold start',
        notes: [
          `${counts.starts} starts of \`node dist/main.js\`, until \`/readyz\` says 200, with FusionAuth (the emulator) there.`,
        ],
        columns: [{ key: 'milliseconds', title: 'ms', digits: 0 }],
        rows: [
          {
            name: 'without Redis',
            cells: { milliseconds: spreadOf(await starts(scene, counts.starts, {})) },
          },
          {
            name: 'with Redis',
            cells: { milliseconds: spreadOf(await starts(scene, counts.starts, { REDIS_URL: redis.url })) },
          },
        ],
      },
    ];
  } finally {
    await state.close();
    await processes.close();
    await redis.stop();
    home.remove();
  }
}

interface Scene {
  readonly processes: Processes;
  readonly home: PrivateHome;
  readonly redis: RedisServer;
  readonly state: SharedState;
}

/** Starts an unprotected server that takes this many connections. @returns its endpoint and process */
async function startServer(
  { processes, home, redis }: Scene,
  connections: number,
): Promise<[URL, RunningProcess]> {
  const port = String(await freePort());
  const env = {
    ...home.env,
    AUTH: 'off',
    PORT: port,
    REDIS_URL: redis.url,
    MAX_CONNECTIONS: String(connections + 100),
  };
  const server = processes.startBin('mcp-keyhole-server', [], { env });
  await server.prints('stdout', /"msg":"listening"/u);
  return [new URL(`http://127.0.0.1:${port}/mcp`), server];
}

/** Subscriptions of modern clients. */
async function listeners(scene: Scene, count: number): Promise<Row> {
  const [endpoint, server] = await startServer(scene, count);
  const revision = '2026-07-28';
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: {
      notifications: { toolsListChanged: true },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': revision,
        'io.modelcontextprotocol/clientInfo': info,
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  });
  const headers = {
    'Content-Type': 'application/json',
    'Mcp-Protocol-Version': revision,
    'Mcp-Method': 'subscriptions/listen',
  };
  return measure('subscriptions of modern clients', server, count, async () =>
    open(endpoint, 'POST', headers, body),
  );
}

/** The own streams of legacy sessions, each of another session. */
async function sessionStreams(scene: Scene, count: number): Promise<Row> {
  const [endpoint, server] = await startServer(scene, count);
  const sessions = scene.state.sessions({ idle: 3_600_000, most: count, mostOfOwner: count });
  let opened = 0;
  return measure('own streams of legacy sessions', server, count, async () => {
    const id = `idle-${opened}`;
    opened += 1;
    // Of nobody: without authentication there is one owner.
    const client = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info };
    await sessions.begin({ id, owner: JSON.stringify(['', '']), client });
    return open(endpoint, 'GET', { 'Mcp-Session-Id': id, 'Mcp-Protocol-Version': '2025-11-25' });
  });
}

async function measure(
  name: string,
  server: RunningProcess,
  count: number,
  openOne: () => Promise<() => void>,
): Promise<Row> {
  const closings: (() => void)[] = [];
  const one = async (): Promise<void> => void closings.push(await openOne());
  // The code is warm, and the heap has its first size, before anything is counted.
  await new Load(
    Array.from({ length: count / 20 }, () => one),
    50,
  ).run();
  const before = residentKibibytes(server.pid);
  const counted = count - closings.length;
  await new Load(
    Array.from({ length: counted }, () => one),
    50,
  ).run();
  const after = residentKibibytes(server.pid);
  for (const close of closings) close();
  await server.end();
  return {
    name,
    cells: {
      open: oneAt(closings.length),
      before: oneAt(before / 1_024),
      with: oneAt(after / 1_024),
      each: oneAt((after - before) / counted),
    },
  };
}

/** Opens a stream, and waits for its head. @returns what closes it */
async function open(
  endpoint: URL,
  method: string,
  headers: Record<string, string>,
  body?: string,
): Promise<() => void> {
  const request = http.request(endpoint, {
    method,
    agent: false,
    headers: { Accept: 'application/json, text/event-stream', ...headers },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  if (response.statusCode !== 200) {
    throw new Error(
      `${method} ${endpoint.href}: ${response.statusCode ?? ''} ${String(await response.setEncoding('utf8').toArray())}`,
    );
  }
  response.on('error', () => undefined).resume();
  return () => request.destroy();
}

async function keptInRedis({ redis, state }: Scene, count: number): Promise<Row[]> {
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
        client: { protocolVersion: '2025-11-25', capabilities: { sampling: {} }, clientInfo: info },
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
    rows.push({ name, cells: { bytes: oneAt((used - last) / count) } });
    last = used;
  }
  return rows;
}

/** Milliseconds from the start of the process to the first 200 of `/readyz`. */
async function starts(
  { processes, home }: Scene,
  count: number,
  more: Record<string, string>,
): Promise<number[]> {
  const emulator = processes.startBin('fusionauth-emulator', ['--port', '0'], { env: home.env });
  const [, url = ''] = await emulator.prints('stdout', /emulator ready at (http:\/\/\S+)/u);
  const measured: number[] = [];
  for (let run = 0; run < count; run += 1) {
    const port = String(await freePort());
    const env = { ...home.env, FUSIONAUTH_URL: url, PORT: port, ...more };
    const begin = performance.now();
    const main = binFile('mcp-keyhole-server').replace(/bin.mcp-keyhole-server\.js$/u, 'dist/main.js');
    const server = processes.start('server', process.execPath, [main], { env });
    while (!(await isReady(`http://127.0.0.1:${port}/readyz`))) await delay(pollPause);
    measured.push(performance.now() - begin);
    await server.end();
  }
  await emulator.end();
  return measured;
}

async function isReady(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ status }) => status === 200,
    () => false,
  );
}

function residentKibibytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes);
}

/** What Redis has allocated. */
function usedBytes({ port }: RedisServer): number {
  const text = execFileSync('redis-cli', ['-p', String(port), 'info', 'memory'], { encoding: 'utf8' });
  return Number(/used_memory:(\d+)/u.exec(text)?.[1]);
}
