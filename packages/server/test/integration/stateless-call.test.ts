import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createMcpHandler,
  McpServer,
  requireScopes,
  type AuthInfo,
  type McpServerFactory,
} from '@modelcontextprotocol/server';
import { describe, expect, it, vi } from 'vitest';
import { exchange, type Respond } from '../../src/node-exchange.ts';
import { statelessCall } from '../../src/stateless-call.ts';
import { eventsOf, nextMessage } from '../support/session-client.ts';

const authInfo: AuthInfo = { token: 'token', clientId: 'client', scopes: ['read'] };

/** What became of a call of the tool `wait`. */
interface Waiting {
  readonly called: Promise<AbortSignal>;
  readonly onCall: (signal: AbortSignal) => void;
  readonly release: () => void;
  readonly released: Promise<void>;
}

function waiting(): Waiting {
  let onCall: Waiting['onCall'] = () => undefined;
  let release = (): void => undefined;
  const called = new Promise<AbortSignal>((resolve) => (onCall = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  return { called, onCall, release, released };
}

/** A factory of servers whose tools do all that a stateless server's can do. */
function factoryOf({ onCall, released }: Waiting, onclose = (): void => undefined): McpServerFactory {
  return () => {
    const server = new McpServer({ name: 'test', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.server.onclose = onclose;
    const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
    server.registerTool('hello', {}, (context) => text(`hello ${context.http?.authInfo?.clientId ?? '?'}`));
    server.registerTool('headers', {}, (context) => text(context.http?.req?.headers.get('x-own') ?? '?'));
    server.registerTool('fail', {}, () => {
      throw new Error('it fails');
    });
    server.registerTool('write', { scopeChallenge: requireScopes('write') }, () => text('written'));
    server.registerTool('tell', {}, async (context) => {
      for (const progress of [1, 2]) {
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: 'a', progress },
        });
      }
      await context.mcpReq.notify({
        method: 'notifications/message',
        params: { level: 'info', data: 'said in between' },
      });
      // About nothing that was asked: there is no stream for it.
      await server.server.notification({
        method: 'notifications/message',
        params: { level: 'info', data: '' },
      });
      return text('told');
    });
    server.registerTool('wait', {}, async (context) => {
      onCall(context.mcpReq.signal);
      await released;
      return text('at last');
    });
    server.registerTool('leave', {}, async () => {
      await server.close();
      return text('nobody hears it');
    });
    return server;
  };
}

/** An endpoint of ours, or one that has the SDK's handler alone. */
async function endpoint(
  factory: McpServerFactory,
  kind: 'ours' | 'the SDK alone',
): Promise<AsyncDisposable & { url: string; errors: Error[] }> {
  const errors: Error[] = [];
  const onerror = (error: Error): void => void errors.push(error);
  const sdk = createMcpHandler(factory, { onerror });
  const respond: Respond = async (request, parts) =>
    (kind === 'ours' ? await statelessCall(factory, request, parts) : undefined) ?? sdk.fetch(request, parts);
  const listener = createServer(
    (request, response) =>
      void exchange(Object.assign(request, { auth: authInfo }), response, respond, onerror),
  ).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`,
    errors,
    [Symbol.asyncDispose]: async () => {
      listener.closeAllConnections();
      listener.close();
      await once(listener, 'close');
    },
  };
}

const headers = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
const call = (name: string, more: object = {}): object => ({
  jsonrpc: '2.0',
  id: 7,
  method: 'tools/call',
  params: { name, arguments: {}, ...more },
});
const modern = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

async function post(
  url: string,
  body: unknown,
  more: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { ...headers, ...more },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  });
}

describe('a call without a session', () => {
  const requests: [name: string, body: unknown, headers?: Record<string, string>][] = [
    ['that succeeds', call('hello')],
    ['with a revision that is served', call('hello'), { 'Mcp-Protocol-Version': '2025-06-18' }],
    ['with an id that is a word', { ...call('hello'), id: 'word' }],
    ['whose tool reads a header', call('headers'), { 'X-Own': 'own' }],
    ['whose tool fails', call('fail')],
    ['of a tool that there is not', call('absent')],
    ['of a tool that tells of its progress', call('tell', { _meta: { progressToken: 'a' } })],
    ['of a tool whose server leaves', call('leave')],
    ['of a tool that the token has no scope for', call('write')],
    ['of a method that there is not', { jsonrpc: '2.0', id: 1, method: 'absent' }],
    ['with parameters that are wrong', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 1 } }],
    ['that lists the tools', { jsonrpc: '2.0', id: 1, method: 'tools/list' }],
    ['that pings', { jsonrpc: '2.0', id: 1, method: 'ping' }],
    ['with a revision that nobody knows', call('hello'), { 'Mcp-Protocol-Version': '1999-01-01' }],
    ['that accepts JSON only', call('hello'), { Accept: 'application/json' }],
    ['that accepts streams only', call('hello'), { Accept: 'text/event-stream' }],
    ['that is no JSON by its type', call('hello'), { 'Content-Type': 'text/plain' }],
    ['that is no JSON', '{'],
    ['that is no message', { jsonrpc: '2.0', id: 1.5, method: 'ping' }],
    ['with more than a message has', { ...call('hello'), more: true }],
    ['of another JSON-RPC', { ...call('hello'), jsonrpc: '1.0' }],
    ['that is a notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['that is an answer', { jsonrpc: '2.0', id: 1, result: {} }],
    ['that is a batch', [call('hello'), { ...call('fail'), id: 8 }]],
    [
      'that is initialize',
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } },
      },
    ],
    [
      'of the modern era',
      call('hello', { _meta: modern }),
      { 'Mcp-Method': 'tools/call', 'Mcp-Name': 'hello' },
    ],
    ['of the modern era without its headers', call('hello', { _meta: modern })],
  ];

  it.each(requests)('%s is answered as by the SDK alone', async (_name, body, more = {}) => {
    const factory = factoryOf(waiting());
    await using ours = await endpoint(factory, 'ours');
    await using theirs = await endpoint(factory, 'the SDK alone');
    const [answer, expected] = await Promise.all([post(ours.url, body, more), post(theirs.url, body, more)]);
    expect(answer.status).toBe(expected.status);
    for (const name of ['content-type', 'www-authenticate', 'cache-control', 'x-accel-buffering']) {
      expect([name, answer.headers.get(name)]).toEqual([name, expected.headers.get(name)]);
    }
    expect(await answer.text()).toBe(await expected.text());
    expect(ours.errors.map(String)).toEqual(theirs.errors.map(String));
  });

  it('is answered in one piece, with its length, when the tool says nothing else', async () => {
    await using ours = await endpoint(factoryOf(waiting()), 'ours');
    const answer = await post(ours.url, call('hello'));
    expect(Number(answer.headers.get('content-length'))).toBe((await answer.arrayBuffer()).byteLength);
  });

  it('sees at once that it will be answered', async () => {
    const wait = waiting();
    await using ours = await endpoint(factoryOf(wait), 'ours');
    const answer = await post(ours.url, call('wait'));
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    wait.release();
    expect(await nextMessage(eventsOf(answer))).toMatchObject({ message: { id: 7 } });
  });

  it('hears now and then that it goes on', async () => {
    const wait = waiting();
    await using ours = await endpoint(factoryOf(wait), 'ours');
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const answer = await post(ours.url, call('wait'));
      await wait.called;
      vi.advanceTimersByTime(15_000);
      wait.release();
      expect(await answer.text()).toMatch(/^: keepalive\n\nevent: message\n/u);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends its server once, and aborts nothing after the answer', async () => {
    const wait = waiting();
    const onclose = vi.fn();
    await using ours = await endpoint(factoryOf(wait, onclose), 'ours');
    wait.release();
    await (await post(ours.url, call('wait'))).text();
    await expect.poll(() => onclose.mock.calls).not.toEqual([]);
    expect(onclose).toHaveBeenCalledTimes(1);
    expect((await wait.called).aborted).toBe(false);
  });

  it('is aborted when its client goes', async () => {
    const wait = waiting();
    const onclose = vi.fn();
    await using ours = await endpoint(factoryOf(wait, onclose), 'ours');
    const leaving = new AbortController();
    const answer = post(ours.url, call('wait'), {}, leaving.signal);
    const signal = await wait.called;
    leaving.abort();
    await expect(answer.then(async (response) => response.text())).rejects.toThrow();
    await expect.poll(() => signal.aborted).toBe(true);
    // With where it was, which is for somebody to read.
    expect((signal.reason as Error).stack).toContain('stateless-call');
    expect(onclose).toHaveBeenCalledTimes(1);
    wait.release();
  });

  it('gets 500 with its id when no server can be made, and the failure is reported', async () => {
    await using ours = await endpoint(() => {
      throw new Error('no server today');
    }, 'ours');
    const answer = await post(ours.url, call('hello'));
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ id: 7, error: { code: -32_603 } });
    expect(ours.errors.map(String)).toEqual(['Error: no server today']);
  });
});
