import { describe, expect, it } from 'vitest';
import { errors } from '../../src/errors.ts';
import { bentServer, event, notification, result, stream, type Exchange } from '../support/bent-server.ts';
import { bridgedHost } from '../support/bridged-host.ts';
import { helloServer } from '../support/hello-server.ts';
import { loopbackServer, sendHtml, sendJson } from '../support/loopback-server.ts';

describe('every request gets exactly one answer', () => {
  it.each([0, 1, -7, 'a', '', '0', 'id with space'])('with its own id: %j', async (id) => {
    const { host } = await bentServer(({ message, response }) => {
      sendJson(response, 200, result(message.id, { ok: true }));
    });
    expect(await host.request(id, 'tools/list')).toEqual(result(id, { ok: true }));
    await host.end();
    expect(host.received).toHaveLength(1);
  });

  const faults: [string, (exchange: Exchange) => void, string, RegExp][] = [
    [
      'HTTP 500',
      ({ response }) => sendJson(response, 500, { message: 'boom' }),
      'server-error',
      /HTTP 500.*boom/u,
    ],
    [
      'HTTP 404 and the error for another request',
      ({ response }) =>
        sendJson(response, 404, { jsonrpc: '2.0', id: 99, error: { code: -32_601, message: 'other' } }),
      'server-error',
      /HTTP 404/u,
    ],
    ['HTTP 404', ({ response }) => sendJson(response, 404, {}), 'server-error', /HTTP 404/u],
    [
      'a page with status 200',
      ({ response }) => sendHtml(response, 200),
      'server-answer-unusable',
      /text\/html/u,
    ],
    ['a page with status 502', ({ response }) => sendHtml(response, 502), 'server-error', /HTTP 502/u],
    ['nothing at all, 204', ({ response }) => response.writeHead(204).end(), 'answer-lost', /./u],
    ['202, as for a notification', ({ response }) => response.writeHead(202).end(), 'answer-lost', /./u],
    [
      'JSON that ends early',
      ({ response }) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc"'),
      'server-answer-unusable',
      /./u,
    ],
    [
      'JSON that is not MCP',
      ({ response }) => sendJson(response, 200, { a: 1 }),
      'server-answer-unusable',
      /./u,
    ],
    [
      'the answer to another request',
      ({ response }) => sendJson(response, 200, result(99)),
      'answer-lost',
      /./u,
    ],
    ['an empty list', ({ response }) => sendJson(response, 200, []), 'answer-lost', /./u],
    [
      'a connection that is cut',
      ({ response }) => response.destroy(),
      'answer-lost',
      /Look before you repeat it/u,
    ],
    ['an empty stream', ({ response }) => stream(response).end(), 'answer-lost', /./u],
    [
      'a stream that ends before the answer',
      ({ response }) => stream(response, notification('message')).end(),
      'answer-lost',
      /Look before you repeat it/u,
    ],
    [
      'a stream that is cut before the answer',
      ({ response }) =>
        void stream(response).write(event(notification('message')), () => {
          response.destroy();
        }),
      'answer-lost',
      /./u,
    ],
    [
      'a stream with the answer to another request',
      ({ response }) => stream(response, result(99)).end(),
      'answer-lost',
      /./u,
    ],
    [
      'a redirect to another origin',
      ({ response }) => response.writeHead(307, { location: 'https://mcp.example.com/' }).end(),
      'server-redirected',
      /final address/u,
    ],
    [
      '403 for a missing scope',
      ({ response }) =>
        sendJson(response, 403, {}, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="a b"' }),
      'scope-missing',
      /a b/u,
    ],
  ];

  it.each(faults)('when the server answers with %s', async (_what, answer, code, words) => {
    const { host } = await bentServer(answer);
    const failure = await host.request(1, 'tools/list');
    expect(failure.error?.code).toBe(-32_000);
    expect(failure.error?.data?.code).toBe(code);
    expect(failure.error?.message).toMatch(words);
    expect(failure.error?.message).toContain(failure.error?.data?.remedy);
    // The bridge goes on, and no second answer comes.
    expect((await host.request(2, 'echo', { ok: true })).result).toEqual({ ok: true });
    await host.end();
    expect(host.received.map(({ id }) => id).filter((id) => id !== undefined)).toEqual([1, 2]);
  });

  it('when nobody listens', async () => {
    const server = await loopbackServer(() => undefined);
    await server.close();
    const host = bridgedHost(new URL('/mcp', server.url));
    const { error } = await host.request(1, 'tools/list');
    expect(error?.data?.code).toBe('server-unreachable');
    expect(error?.message).toContain('ECONNREFUSED');
  });

  it('when no token can be had: the error’s code reaches the host', async () => {
    const server = await helloServer();
    const locked = errors.keychainLocked();
    const host = bridgedHost(server, {
      tokens: {
        token: () => Promise.reject(locked),
        onUnauthorized: () => Promise.resolve(),
        onInsufficientScope: () => Promise.resolve(),
        onAccepted: () => undefined,
      },
    });
    const { error } = await host.request(1, 'tools/list');
    expect(error).toEqual({
      code: -32_000,
      message: `${locked.message} ${locked.remedy}`,
      data: { code: 'keychain-locked', remedy: locked.remedy },
    });
  });

  it('when the server refuses each token: asked for once, then an error', async () => {
    const refusing = await loopbackServer((_request, response) => {
      sendJson(response, 401, {}, { 'www-authenticate': 'Bearer scope="a", error="invalid_token"' });
    });
    const rejections: [string | undefined, string | undefined][] = [];
    let token = 'token-0';
    const host = bridgedHost(new URL('/mcp', refusing.url), {
      tokens: {
        token: () => Promise.resolve(token),
        onUnauthorized: (rejected, { scope }) => {
          rejections.push([rejected, scope]);
          token = 'token-1';
          return Promise.resolve();
        },
        onInsufficientScope: () => expect.unreachable(),
        onAccepted: () => expect.unreachable(),
      },
    });
    const { error } = await host.request(1, 'tools/list');
    expect(error?.data?.code).toBe('token-refused');
    expect(rejections).toEqual([['token-0', 'a']]);
    expect(refusing.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-0',
      'Bearer token-1',
    ]);
  });

  it('when the server answers twice: the second is dropped, as JSON and as a stream', async () => {
    for (const answer of [
      ({ message, response }: Exchange) =>
        sendJson(response, 200, [
          result(message.id, { n: 1 }),
          result(message.id, { n: 2 }),
          notification('end'),
        ]),
      ({ message, response }: Exchange) =>
        stream(
          response,
          result(message.id, { n: 1 }),
          result(message.id, { n: 2 }),
          notification('end'),
        ).end(),
    ]) {
      const { host } = await bentServer(answer);
      host.send({ id: 1, method: 'tools/list' });
      await host.when(({ method }) => method === 'notifications/end');
      expect(host.received).toEqual([result(1, { n: 1 }), notification('end')]);
      expect(host.log.text()).toContain('an answer that nobody waits for was dropped id=1');
    }
  });

  it('and an answer with an id that nobody sent is dropped', async () => {
    const { host } = await bentServer(({ message, response }) => {
      stream(response, result('1'), result(99), result(message.id, { ok: true })).end();
    });
    expect((await host.request(1, 'tools/list')).result).toEqual({ ok: true });
    await host.end();
    expect(host.received).toHaveLength(1);
  });

  it('while others wait: a slow request holds up nobody', async () => {
    const held: Exchange[] = [];
    const { host } = await bentServer((exchange) => held.push(exchange));
    host.send({ id: 'slow', method: 'tools/call' });
    expect((await host.request('quick', 'echo', { ok: true })).result).toEqual({ ok: true });
    for (const { message, response } of held) sendJson(response, 200, result(message.id));
    await host.when(({ id }) => id === 'slow');
    expect(host.received.map(({ id }) => id)).toEqual(['quick', 'slow']);
  });
});
