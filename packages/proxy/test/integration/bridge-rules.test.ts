import type { IncomingMessage } from 'node:http';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { EventStreamServer } from '../../src/bridge/event-stream-server.ts';
import { createToolFilter } from '../../src/bridge/tool-filter.ts';
import { bridgedHost, type Message } from '../support/bridged-host.ts';
import { helloServer } from '../support/hello-server.ts';
import { loopbackServer, sendJson } from '../support/loopback-server.ts';

const clientInfo = { name: 'test-host', version: '1.0.0' };
const initialize = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo };
const call = { name: 'get_name', arguments: {} };

describe('a bridge with a tool filter', () => {
  it('hides a tool and refuses its call without asking the server', async () => {
    const filter = createToolFilter({ ignoreTools: ['get_*'], allowTools: [], readOnly: false });
    const host = bridgedHost(await helloServer(), { filter });
    expect((await host.request(1, 'tools/list', {})).result).toMatchObject({
      tools: [{ name: 'set_greeting' }, { name: 'countdown' }],
    });
    const { error } = await host.request(2, 'tools/call', call);
    expect(error?.data?.code).toBe('tool-hidden');
    expect(error?.message).toContain('"get_name"');
  });

  it('lets pass what no glob hides', async () => {
    const filter = createToolFilter({ ignoreTools: ['set_*'], allowTools: [], readOnly: false });
    const host = bridgedHost(await helloServer(), { filter });
    expect((await host.request(1, 'tools/list', {})).result).toMatchObject({
      tools: [{ name: 'get_name' }, { name: 'countdown' }],
    });
    expect((await host.request(2, 'tools/call', call)).result).toMatchObject({
      structuredContent: { result: 'Hello, World!' },
    });
  });
});

describe('a bridge for the legacy era only', () => {
  const modern = { _meta: { [PROTOCOL_VERSION_META_KEY]: '2026-07-28' } };

  it('answers a modern host so that it falls back', async () => {
    const host = bridgedHost(await helloServer(), { rules: { legacyOnly: true } });
    expect((await host.request(1, 'server/discover', modern)).error?.code).toBe(-32_601);
    expect((await host.request(2, 'initialize', initialize)).result).toHaveProperty('serverInfo');
  });
});

describe('a bridge that keeps the connection alive', () => {
  it('pings the server, and its answers do not reach the host', async () => {
    let onPings: () => void = () => undefined;
    const twoPings = new Promise<void>((resolve) => {
      onPings = resolve;
    });
    const http = await loopbackServer(({ body }, response) => {
      const { id } = JSON.parse(body) as Message;
      sendJson(response, 200, { jsonrpc: '2.0', id, result: {} });
      if (id === 'keyhole-ping-2') onPings();
    });
    const host = bridgedHost(new URL('/mcp', http.url), { rules: { pingEvery: 20 } });
    await twoPings;
    expect((await host.request(1, 'ping')).result).toEqual({});
    await host.end();
    expect(host.received.map(({ id }) => id)).toEqual([1]);
  });
});

describe('a bridge to a server of 2024-11-05', () => {
  it('speaks over its event stream', async () => {
    const mcp = new McpServer({ name: 'old-server', version: '1.0.0' });
    mcp.registerTool('get_name', {}, () => ({ content: [{ type: 'text', text: 'Hello, 2024!' }] }));
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated as the servers are that it stands for
    let sse: SSEServerTransport | undefined;
    const http = await loopbackServer(async ({ method, headers, body }, response) => {
      if (method === 'GET') {
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above
        sse = new SSEServerTransport('/messages', response);
        await mcp.connect(sse);
        return;
      }
      await sse?.handlePostMessage({ headers } as unknown as IncomingMessage, response, JSON.parse(body));
    });
    const host = bridgedHost(new URL('/sse', http.url), {
      side: ({ endpoint, onMessage, log }) => new EventStreamServer(endpoint, onMessage, log),
    });
    expect((await host.request(1, 'initialize', initialize)).result).toMatchObject({
      serverInfo: { name: 'old-server' },
    });
    host.send({ method: 'notifications/initialized' });
    expect((await host.request(2, 'tools/call', call)).result).toMatchObject({
      content: [{ type: 'text', text: 'Hello, 2024!' }],
    });
    await host.end();
  });
});
