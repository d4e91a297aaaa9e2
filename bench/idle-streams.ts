// The memory of a node with open streams on which nothing comes.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { freePort } from '../e2e/support/free-port.ts';
import { Load } from '../e2e/support/load.ts';
import type { RunningProcess } from '../e2e/support/processes.ts';
import { idleClient, type IdleScene } from './idle-scene.ts';
import { single } from './statistics.ts';
import type { Row, Table } from './table.ts';

export async function idleStreams(scene: IdleScene, count: number): Promise<Table> {
  return {
    id: 'idle',
    title: 'Idle streams on one node',
    notes: [
      `${count} at once, from one process on the same machine; resident memory of the server before and with them, without TLS, which the proxy in front ends.`,
    ],
    columns: [
      { key: 'open', title: 'open', digits: 0 },
      { key: 'before', title: 'resident before, MiB', digits: 0 },
      { key: 'with', title: 'with them, MiB', digits: 0 },
      { key: 'each', title: 'KiB each', digits: 1 },
    ],
    rows: [await listeners(scene, count), await sessionStreams(scene, count)],
  };
}

/** Starts an unprotected server that takes this many connections. @returns its endpoint and process */
async function startServer(
  { processes, home, redis }: IdleScene,
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
async function listeners(scene: IdleScene, count: number): Promise<Row> {
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
        'io.modelcontextprotocol/clientInfo': idleClient,
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
async function sessionStreams(scene: IdleScene, count: number): Promise<Row> {
  const [endpoint, server] = await startServer(scene, count);
  const sessions = scene.state.sessions({ idle: 3_600_000, most: count, mostOfOwner: count });
  let opened = 0;
  return measure('own streams of legacy sessions', server, count, async () => {
    const id = `idle-${opened}`;
    opened += 1;
    // Of nobody: without authentication there is one owner.
    const client = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: idleClient };
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
      open: single(closings.length),
      before: single(before / 1_024),
      with: single(after / 1_024),
      each: single((after - before) / counted),
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

function residentKibibytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes);
}
