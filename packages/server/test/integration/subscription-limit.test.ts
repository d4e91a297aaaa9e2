import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { eventsOf, nextMessage, SessionClient } from '../support/session-client.ts';

/** Behind a listener of its own, which lets more connections in than the configuration says. */
async function app(maxConnections: number): Promise<AsyncDisposable & { readonly endpoint: string }> {
  const config = loadConfig(['--auth', 'off', '--max-connections', String(maxConnections)], {});
  const ending = new AbortController();
  const capabilities = { tools: { listChanged: true } };
  const listener = createApp(config, {
    createMcpServer: () => new McpServer({ name: 'changing', version: '1.0.0' }, { capabilities }),
    log: createLog({ destination: { write: () => undefined } }),
    signal: ending.signal,
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      listener.closeAllConnections();
      listener.close();
      await once(listener, 'close');
    },
  };
}

/** Asks for changes of tools, as clients of 2026-07-28 do. */
async function subscribe(
  endpoint: string,
  signal?: AbortSignal,
): Promise<{ response: Response; first: Record<string, unknown> }> {
  const method = 'subscriptions/listen';
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'Mcp-Protocol-Version': '2026-07-28',
      'Mcp-Method': method,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 'listening',
      method,
      params: {
        notifications: { toolsListChanged: true },
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'by-hand', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
    ...(signal !== undefined && { signal }),
  });
  const isStream = response.headers.get('content-type') === 'text/event-stream';
  const first = isStream
    ? (await nextMessage(eventsOf(response.clone()))).message
    : ((await response.json()) as Record<string, unknown>);
  return { response, first };
}

const granted = { method: 'notifications/subscriptions/acknowledged' };
const refused = { id: 'listening', error: { code: -32_603, message: 'Subscription limit reached' } };

describe('subscriptions of clients of 2026-07-28', () => {
  it('are as many as connections, and one more when one has ended', async () => {
    await using server = await app(3);
    const ends = [new AbortController(), new AbortController(), new AbortController()];
    for (const { signal } of ends) {
      expect((await subscribe(server.endpoint, signal)).first).toMatchObject(granted);
    }
    expect((await subscribe(server.endpoint)).first).toMatchObject(refused);
    ends[1]?.abort();
    await expect.poll(async () => (await subscribe(server.endpoint)).first).toMatchObject(granted);
    expect((await subscribe(server.endpoint)).first).toMatchObject(refused);
  });

  it('take no place from sessions of legacy clients, nor those from them', async () => {
    await using server = await app(1);
    const clients = [1, 2].map(() => new SessionClient({ token: 'none is needed' }));
    for (const client of clients) {
      await client.begin(server.endpoint);
      expect((await client.listen(server.endpoint)).status).toBe(200);
    }
    expect((await subscribe(server.endpoint)).first).toMatchObject(granted);
    expect((await subscribe(server.endpoint)).first).toMatchObject(refused);
    const [client] = clients;
    expect((await client?.listen(server.endpoint))?.status).toBe(200);
  });
});
