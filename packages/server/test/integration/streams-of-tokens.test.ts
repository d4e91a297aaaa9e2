// A stream lives no longer than the token that it was opened with, in either era.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectFusionAuth } from '../../src/fusionauth.ts';
import { createLog } from '../../src/log.ts';
import { protect } from '../../src/protect.ts';
import { createMemorySharedState } from '../../src/shared-state/memory-shared-state.ts';
import { subjects } from '../../src/shared-state/revocation-check.ts';
import { askingServer, Gate } from '../support/asking-server.ts';
import { FusionAuthStandIn } from '../support/fusionauth-stand-in.ts';
import { bearer, callGetName, protectedServer, type ProtectedServer } from '../support/protected-server.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';
import { SessionClient } from '../support/session-client.ts';
import { eventBody, secret, signatureOf } from '../support/webhook.ts';

const path = '/webhooks/fusionauth';
const now = (): number => Math.floor(Date.now() / 1_000);
const gate = new Gate();
const env = {
  WEBHOOK_PATH: path,
  WEBHOOK_SECRET: secret,
  METRICS_PORT: '0',
  CLOCK_TOLERANCE: '0',
  DRAIN_TIMEOUT: '0.1',
};

async function valueOf({ server }: ProtectedServer, sample: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1) ?? 0);
}

/** A request of the modern era, whose headers name its method. */
async function modern(endpoint: string, token: string, method: string, params: object): Promise<Response> {
  const name = 'name' in params ? { 'Mcp-Name': String(params.name) } : {};
  return fetch(endpoint, {
    method: 'POST',
    headers: {
      ...bearer(token),
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'Mcp-Protocol-Version': '2026-07-28',
      'Mcp-Method': method,
      ...name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
          'io.modelcontextprotocol/logLevel': 'info',
        },
      },
    }),
  });
}

async function inSession({ endpoint }: ProtectedServer, token: string): Promise<SessionClient> {
  const client = new SessionClient({ token });
  expect((await client.begin(endpoint)).status).toBe(200);
  return client;
}

/** Every kind of stream that stays open. */
const kinds: [string, (running: ProtectedServer, token: string) => Promise<Response>][] = [
  [
    "a session's own stream",
    async (running, token) => (await inSession(running, token)).listen(running.endpoint),
  ],
  [
    'an answer under way in a session',
    async (running, token) => (await inSession(running, token)).call(running.endpoint, 'wait'),
  ],
  [
    'a legacy answer under way without a session',
    async ({ endpoint }, token) => new SessionClient({ token }).call(endpoint, 'wait'),
  ],
  [
    'a subscription of the modern era',
    async ({ endpoint }, token) =>
      modern(endpoint, token, 'subscriptions/listen', { notifications: { toolsListChanged: true } }),
  ],
  [
    'a modern answer under way',
    async ({ endpoint }, token) => modern(endpoint, token, 'tools/call', { name: 'wait', arguments: {} }),
  ],
];

/** Milliseconds until a stream is cut. */
async function cut(stream: Response): Promise<number> {
  const begin = performance.now();
  await expect(stream.text()).rejects.toThrow('terminated');
  return performance.now() - begin;
}

async function deactivate({ endpoint }: ProtectedServer, user: string): Promise<void> {
  const body = eventBody('user.deactivate', { user: { id: user } });
  const headers = { 'X-FusionAuth-Signature-JWT': await signatureOf(body) };
  const response = await fetch(new URL(path, endpoint), { method: 'POST', headers, body });
  expect(response.status).toBe(200);
}

describe('a stream is cut when its token ends:', () => {
  let running: ProtectedServer;
  beforeAll(async () => {
    running = await protectedServer({ env, createMcpServer: askingServer(gate) });
  });
  afterAll(async () => {
    gate.open();
    await running[Symbol.asyncDispose]();
  });

  it.each(kinds)('%s, by a webhook', async (_name, open) => {
    const [user, other] = [randomUUID(), randomUUID()];
    const token = await running.fusionAuth.token({ sub: user });
    const stream = await open(running, token);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const othersStream = await open(running, await running.fusionAuth.token({ sub: other }));
    const cuts = await valueOf(running, 'mcp_keyhole_streams_cut_total{reason="revoked"}');
    await deactivate(running, user);
    expect(await cut(stream)).toBeLessThan(1_000);
    expect((await callGetName(running.endpoint, bearer(token))).status).toBe(401);
    expect(await valueOf(running, 'mcp_keyhole_streams_cut_total{reason="revoked"}')).toBe(cuts + 1);
    expect(await valueOf(running, 'mcp_keyhole_active_streams')).toBe(1);
    await othersStream.body?.cancel();
    await expect.poll(async () => valueOf(running, 'mcp_keyhole_active_streams')).toBe(0);
  });

  it('all kinds, when it expires, and not before', async () => {
    const exp = now() + 3;
    const token = await running.fusionAuth.token({ exp });
    const streams = await Promise.all(kinds.map(async ([, open]) => open(running, token)));
    await Promise.all(streams.map(cut));
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000);
    expect(Date.now()).toBeLessThan(exp * 1_000 + 2_000);
    expect((await callGetName(running.endpoint, bearer(token))).status).toBe(401);
    expect(await valueOf(running, 'mcp_keyhole_streams_cut_total{reason="expired"}')).toBe(kinds.length);
    const entries = running.entries('stream cut: its token has ended');
    expect(entries.filter(({ reason }) => reason === 'expired')).toHaveLength(kinds.length);
  });

  it('and the gauge of legacy sessions counts those that there are', async () => {
    const before = await valueOf(running, 'mcp_keyhole_legacy_sessions');
    const client = await inSession(running, await running.fusionAuth.token());
    expect(await valueOf(running, 'mcp_keyhole_legacy_sessions')).toBe(before + 1);
    await client.end(running.endpoint);
    expect(await valueOf(running, 'mcp_keyhole_legacy_sessions')).toBe(before);
  });
});

describe.skipIf(!hasRedis)('a stream on another node', () => {
  it('is cut within a second of the webhook', async () => {
    await using redis = await RedisServer.start();
    const parts = { env: { ...env, REDIS_URL: redis.url }, createMcpServer: askingServer(gate) };
    await using first = await protectedServer(parts);
    await using second = await protectedServer({ ...parts, fusionAuth: first.fusionAuth });
    const user = randomUUID();
    const token = await first.fusionAuth.token({ sub: user });
    const client = await inSession(first, token);
    const stream = await client.listen(second.endpoint);
    await deactivate(first, user);
    const elapsed = await cut(stream);
    process.stderr.write(
      `user.deactivate: a stream on the other node was cut after ${elapsed.toFixed(0)} ms\n`,
    );
    expect(elapsed).toBeLessThan(1_000);
    expect((await client.listen(second.endpoint)).status).toBe(401);
    expect(await valueOf(second, 'mcp_keyhole_legacy_sessions')).toBe(1);
    await redis.stop();
    expect(await valueOf(second, 'mcp_keyhole_legacy_sessions')).toBeNaN();
  });
});

describe('an answer that is no stream', () => {
  it('is given to its end, though its token ends meanwhile', async () => {
    const fusionAuth = await FusionAuthStandIn.start('http://localhost/mcp');
    const sharedState = createMemorySharedState();
    const { resource, issuer } = fusionAuth;
    const app = express();
    const log = createLog({ destination: { write: () => undefined } });
    app.use(protect({ resource, issuer, fusionAuth: connectFusionAuth(issuer), sharedState, log }));
    let finish = (): void => undefined;
    const asked = new Promise<void>((report) => {
      app.get('/mcp', (_request, response) => {
        finish = () => void response.json('at last');
        report();
      });
    });
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const answer = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, {
      headers: bearer(await fusionAuth.token({ sub: 'user' })),
    });
    await asked;
    await sharedState.revocations.revoke(subjects.user('user'), now(), now() + 60);
    // The look at what is under way is over by then.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    finish();
    expect(await (await answer).json()).toBe('at last');
    server.close();
    server.closeAllConnections();
    await fusionAuth.close();
  });
});
