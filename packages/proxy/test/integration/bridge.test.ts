import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  PROTOCOL_VERSION_META_KEY,
} from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { bentServer, notification, result, stream } from '../support/bent-server.ts';
import { bridgedHost, type Message } from '../support/bridged-host.ts';
import { helloServer } from '../support/hello-server.ts';
import { loopbackServer, sendJson, type LoopbackServer } from '../support/loopback-server.ts';

const clientInfo = { name: 'test-host', version: '1.0.0' };
const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
const modernMeta = {
  [PROTOCOL_VERSION_META_KEY]: '2026-07-28',
  [CLIENT_INFO_META_KEY]: clientInfo,
  [CLIENT_CAPABILITIES_META_KEY]: {},
};

const posted = (http: LoopbackServer): (string | undefined)[] =>
  http.requests
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => (JSON.parse(body) as Message).method);

describe('a bridge to a real server', () => {
  it('carries a legacy session from initialize to a tool’s answer', async () => {
    const host = bridgedHost(await helloServer());
    expect((await host.request(0, 'initialize', initialize)).result).toMatchObject({
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'fusionauth-mcp-server' },
    });
    host.send({ method: 'notifications/initialized' });
    expect((await host.request('list', 'tools/list', {})).result).toMatchObject({
      tools: [{ name: 'get_name' }, { name: 'set_greeting' }, { name: 'countdown' }],
    });
    const answer = await host.request(2, 'tools/call', { name: 'get_name', arguments: {} });
    expect(answer.result).toMatchObject({ structuredContent: { result: 'Hello, World!' } });
    await host.end();
    expect(host.received.map(({ id }) => id)).toEqual([0, 'list', 2]);
  });

  it('carries modern requests, whose headers come from the messages', async () => {
    const host = bridgedHost(await helloServer(), { era: 'modern' });
    expect((await host.request(1, 'server/discover', { _meta: modernMeta })).result).toMatchObject({
      supportedVersions: expect.arrayContaining(['2026-07-28']) as string[],
    });
    const params = { name: 'get_name', arguments: {}, _meta: modernMeta };
    expect((await host.request(2, 'tools/call', params)).result).toMatchObject({
      structuredContent: { result: 'Hello, World!' },
    });
  });

  it('carries the errors of the server as they are', async () => {
    const host = bridgedHost(await helloServer(), { era: 'modern' });
    const { error } = await host.request(1, 'no/such/method', { _meta: modernMeta });
    expect(error?.code).toBe(-32_601);
    expect(error?.data?.code).toBeUndefined();
  });
});

describe('a cancelled request', () => {
  const cancel = { method: 'notifications/cancelled', params: { requestId: 7 } };

  it('of the legacy era gets no answer, and the server is told by the notification', async () => {
    let ended: Promise<unknown> = Promise.resolve();
    const { host, http } = await bentServer(({ response }) => {
      ended = once(response, 'close');
    });
    host.send({ id: 7, method: 'tools/call' });
    await http.when(({ body }) => body.includes('tools/call'));
    host.send(cancel);
    const told = await http.when(({ body }) => body.includes('notifications/cancelled'));
    expect(JSON.parse(told.body)).toEqual({ jsonrpc: '2.0', ...cancel });
    await ended;
    await host.request(8, 'echo');
    expect(host.received.map(({ id }) => id)).toEqual([8]);
  });

  it('of the modern era gets no answer, and the server is told by the end of its exchange alone', async () => {
    let ended: Promise<unknown> = Promise.resolve();
    const { host, http } = await bentServer(({ response }) => {
      stream(response, notification('progress'));
      ended = once(response, 'close');
    }, 'modern');
    host.send({ id: 7, method: 'tools/call', params: { _meta: modernMeta } });
    await host.when(({ method }) => method === 'notifications/progress');
    host.send(cancel);
    await ended;
    await host.request(8, 'echo', { _meta: modernMeta });
    expect(posted(http)).toEqual(['tools/call', 'echo']);
    await host.end();
    expect(host.received.map(({ id }) => id)).toEqual([undefined, 8]);
  });

  it('that is unknown or answered is passed on', async () => {
    const { host, http } = await bentServer(() => undefined);
    host.send(cancel);
    await host.request(1, 'echo');
    expect(posted(http)).toEqual(['notifications/cancelled', 'echo']);
  });
});

describe('notifications and answers of the host', () => {
  it('reach the server in the order of the lines, and before the request that follows', async () => {
    const { host, http } = await bentServer(() => undefined);
    const names = Array.from({ length: 12 }, (_, index) => `notifications/n${index}`);
    for (const method of names) host.send({ method });
    host.send({ id: 'from-server', result: { roots: [] } });
    await host.request(1, 'echo');
    expect(posted(http)).toEqual([...names, undefined, 'echo']);
  });

  it('that cannot be delivered are logged and hold up nothing', async () => {
    const http = await loopbackServer(({ body }, response) => {
      const message = JSON.parse(body) as Message;
      if (message.id === undefined) sendJson(response, 500, {});
      else sendJson(response, 200, result(message.id));
    });
    const host = bridgedHost(new URL('/mcp', http.url));
    host.send({ method: 'notifications/one' });
    await host.request(1, 'tools/list');
    expect(host.log.text()).toContain('code=server-error');
    expect(host.received).toHaveLength(1);
  });
});

describe('a line that cannot be read', () => {
  it('is answered with id null, and the next one is read', async () => {
    const { host } = await bentServer(() => undefined);
    host.write('{"jsonrpc":"2.0","id":5,\n');
    await host.request(1, 'echo', { ok: true });
    expect(host.received[0]).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32_700 } });
    expect(host.received[1]).toEqual(result(1, { ok: true }));
    expect(host.log.text()).toContain('code=message-unreadable');
  });
});

describe('requests and notifications of the server', () => {
  it('reach the host, from the stream of an answer and from the server’s own', async () => {
    const ask: Message = { jsonrpc: '2.0', id: 'ask-1', method: 'roots/list' };
    const http = await loopbackServer(({ method, body }, response) => {
      if (method === 'GET') stream(response, notification('tools/list_changed'), ask);
      else if (body.includes('notifications/')) response.writeHead(202).end();
      else if (body.includes('initialize'))
        sendJson(response, 200, result(0, { protocolVersion: '2025-11-25' }));
      else stream(response, notification('progress'), result(1)).end();
    });
    const host = bridgedHost(new URL('/mcp', http.url));
    await host.request(0, 'initialize', initialize);
    await host.request(1, 'tools/call');
    host.send({ method: 'notifications/initialized' });
    await host.when(({ method }) => method === 'roots/list');
    expect(host.received.slice(1)).toEqual([
      notification('progress'),
      result(1),
      notification('tools/list_changed'),
      ask,
    ]);
  });
});

describe('headers', () => {
  it('of the command line are on every request, and the bearer token is never in the URL', async () => {
    const http = await loopbackServer(({ method, body }, response) => {
      if (method !== 'POST') response.writeHead(405).end();
      else sendJson(response, 200, result((JSON.parse(body) as Message).id));
    });
    const accepted: string[] = [];
    const host = bridgedHost(new URL('/mcp', http.url), {
      headers: [['X-Key', 'abc']],
      tokens: {
        token: () => Promise.resolve('token-1'),
        onUnauthorized: () => expect.unreachable(),
        onInsufficientScope: () => expect.unreachable(),
        onAccepted: (token) => accepted.push(token),
      },
    });
    await host.request(1, 'tools/list');
    expect(http.requests[0]?.headers).toMatchObject({ 'x-key': 'abc', authorization: 'Bearer token-1' });
    expect(http.requests[0]?.path).toBe('/mcp');
    expect(accepted).toEqual(['token-1']);
  });
});

describe('the end', () => {
  /** A legacy server with a session. */
  async function sessionServer(onDelete: (response: ServerResponse) => void = (response) => response.end()) {
    const http = await loopbackServer(({ method, body }, response) => {
      if (method === 'DELETE') onDelete(response);
      else if (method === 'GET') response.writeHead(405).end();
      else {
        const value = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: clientInfo };
        const answer = result((JSON.parse(body) as Message).id, value);
        sendJson(response, 200, answer, { 'mcp-session-id': 'session-1' });
      }
    });
    const host = bridgedHost(new URL('/mcp', http.url));
    await host.request(1, 'initialize', initialize);
    return { http, host };
  }
  const deletions = (http: LoopbackServer) => http.requests.filter(({ method }) => method === 'DELETE');

  it('of the host ends the session at the server, with session id and the version agreed on', async () => {
    const { http, host } = await sessionServer();
    await host.request(2, 'tools/list');
    await host.end();
    expect(http.requests[1]?.headers).toMatchObject({
      'mcp-session-id': 'session-1',
      'mcp-protocol-version': '2025-06-18',
    });
    expect(deletions(http).map(({ headers }) => headers)).toMatchObject([
      { 'mcp-session-id': 'session-1', 'mcp-protocol-version': '2025-06-18' },
    ]);
  });

  it('of the process ends the session too', async () => {
    const { http, host } = await sessionServer();
    await host.shutDown();
    expect(deletions(http)).toHaveLength(1);
  });

  it.each([
    ['405', (response: ServerResponse) => response.writeHead(405).end()],
    ['500', (response: ServerResponse) => response.writeHead(500).end()],
    ['a cut connection', (response: ServerResponse) => response.destroy()],
  ])('does not mind a server that answers with %s', async (_what, onDelete) => {
    const { http, host } = await sessionServer(onDelete);
    await host.end();
    expect(deletions(http)).toHaveLength(1);
  });

  it('sends no DELETE where there is no session', async () => {
    const { http, host } = await bentServer(() => undefined);
    await host.request(1, 'echo');
    await host.end();
    expect(deletions(http)).toEqual([]);
  });

  it('cuts what is under way, without an answer to a host that has gone', async () => {
    let cut: Promise<unknown> = Promise.resolve();
    const { http, host } = await bentServer(({ response }) => {
      cut = once(response, 'close');
    });
    host.send({ id: 1, method: 'tools/call' });
    await http.when(() => true);
    await host.end();
    await cut;
    expect(host.received).toEqual([]);
  });

  it('comes at once when the process was told to end before the bridge ran', async () => {
    const shutdown = new AbortController();
    shutdown.abort();
    const { http } = await bentServer(() => undefined);
    const host = bridgedHost(new URL('/mcp', http.url), { shutdown });
    host.send({ id: 1, method: 'echo' });
    await host.shutDown();
    expect(http.requests).toEqual([]);
  });
});
