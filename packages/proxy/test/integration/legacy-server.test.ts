import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LegacyServer } from '../../src/bridge/legacy-server.ts';
import { Message, type JsonObject, type RequestId } from '../../src/bridge/message.ts';
import { Endpoint, type TokenProvider } from '../../src/http/endpoint.ts';
import { createExchange } from '../../src/http/exchange.ts';
import { event, notification, result, stream } from '../support/bent-server.ts';
import { refusalOf } from '../support/failure.ts';
import { sendJson } from '../support/loopback-server.ts';
import { networkSettings } from '../support/network-settings.ts';
import { recordedLog } from '../support/recorded-log.ts';
import {
  sessionServer,
  usualGreeting,
  type Call,
  type SessionServerOptions,
} from '../support/session-server.ts';

const clientInfo = { name: 'test-host', version: '1.0.0' };
const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
const anonymous: TokenProvider = {
  token: () => Promise.resolve(undefined),
  onUnauthorized: () => expect.unreachable(),
  onInsufficientScope: () => expect.unreachable(),
  onAccepted: () => undefined,
};

/** A host's view of a server with sessions; the handshake is not done yet. */
async function newScene(options: SessionServerOptions = {}, tokens: TokenProvider = anonymous) {
  const server = await sessionServer(options);
  const { log, lines } = recordedLog();
  const unasked: JsonObject[] = [];
  const endpoint = new Endpoint(new URL('/mcp', server.url), {
    exchange: createExchange(networkSettings, {}),
    tokens,
    headers: () => Promise.resolve([]),
    log,
  });
  const side = new LegacyServer(endpoint, (message) => void unasked.push(message.json), log);
  onTestFinished(() => side.close());
  const request = async (
    id: RequestId,
    method: string,
    params: JsonObject = {},
    heard: JsonObject[] = [],
  ) => {
    const { signal } = new AbortController();
    const onMessage = (message: Message): void => void heard.push(message.json);
    return (await side.request(Message.request(id, method, params), { signal, onMessage })).json;
  };
  const notify = (method: string, params: JsonObject = {}) =>
    side.notify(Message.notification(method, params));
  return { server, side, request, notify, unasked, lines };
}

/** {@link newScene} after the handshake. */
async function scene(options: SessionServerOptions = {}, tokens?: TokenProvider) {
  const made = await newScene(options, tokens);
  await made.request('init', 'initialize', initialize);
  await made.notify('notifications/initialized');
  return made;
}

const methodsOf = (carriedOut: readonly (readonly [string, string])[], session: string): string[] =>
  carriedOut.filter(([each]) => each === session).map(([, method]) => method);
const timesOf = (carriedOut: readonly (readonly [string, string])[], method: string): number =>
  carriedOut.filter(([, each]) => each === method).length;

/** Answers as a server does that has lost the session: the words are those of servers that there are. */
const losses: [string, (response: ServerResponse) => void][] = [
  [
    '404 in words of JSON-RPC',
    (response) =>
      sendJson(response, 404, {
        jsonrpc: '2.0',
        id: null,
        error: { code: -32_001, message: 'Session not found' },
      }),
  ],
  ['404 without a word', (response) => response.writeHead(404).end()],
  ['410', (response) => response.writeHead(410).end()],
  [
    '400 in words of JSON-RPC',
    (response) =>
      sendJson(response, 400, {
        jsonrpc: '2.0',
        id: null,
        error: { code: -32_000, message: 'Bad Request: No valid session ID provided' },
      }),
  ],
  ['400 in plain text', (response) => response.writeHead(400).end('no valid session')],
];

describe('a session that the server has lost', () => {
  it.each(losses)('is begun anew, and the request repeated once: %s', async (_what, unknown) => {
    const { server, request } = await scene({ unknown });
    expect(await request(1, 'tools/call', { name: 'buy' })).toEqual(result(1));
    server.loseSessions();
    expect(await request(2, 'tools/call', { name: 'buy' })).toEqual(result(2));
    expect(server.carriedOut.filter(([, method]) => method !== 'GET')).toEqual([
      ['session-1', 'initialize'],
      ['session-1', 'notifications/initialized'],
      ['session-1', 'tools/call'],
      ['session-2', 'initialize'],
      ['session-2', 'notifications/initialized'],
      ['session-2', 'tools/call'],
    ]);
    const [first, second] = server.requests.filter(({ body }) => body.includes('"initialize"'));
    expect(second?.body).toBe(first?.body);
    expect(second?.headers).not.toHaveProperty('mcp-session-id');
    const last = server.requests.findLast(({ body }) => body.includes('tools/call'));
    expect(last?.headers).toMatchObject({
      'mcp-session-id': 'session-2',
      'mcp-protocol-version': '2025-06-18',
    });
  });

  it('is begun anew once for all who find it lost, and each request is carried out once', async () => {
    const { server, request } = await scene();
    server.loseSessions();
    const ids = [1, 2, 3, 4, 5];
    const answers = await Promise.all(ids.map((id) => request(id, 'tools/call', { name: 'buy' })));
    expect(answers).toEqual(ids.map((id) => result(id)));
    expect(timesOf(server.carriedOut, 'initialize')).toBe(2);
    expect(timesOf(server.carriedOut, 'tools/call')).toBe(5);
  });

  it.each(['tools/call', 'tools/list'])(
    'a second time in a row is an error, and nothing was carried out: %s',
    async (method) => {
      const { server, request } = await scene();
      server.loseSessions(true);
      expect((await request(1, method))['error']).toMatchObject({ message: 'Session not found' });
      expect(server.requests.filter(({ body }) => body.includes(method))).toHaveLength(2);
      expect(timesOf(server.carriedOut, 'initialize')).toBe(2);
      expect(timesOf(server.carriedOut, method)).toBe(0);
      // The next request tries anew.
      server.loseSessions();
      expect(await request(2, method)).toEqual(result(2));
    },
  );

  it('a second time in a row is an error of ours where the server has no words for it', async () => {
    const { server, request } = await scene({ unknown: (response) => response.writeHead(404).end() });
    server.loseSessions(true);
    const refusal = await refusalOf(() => request(1, 'tools/call'));
    expect([refusal.code, refusal.message]).toEqual(['server-error', expect.stringContaining('HTTP 404')]);
  });

  it('gets what holds until its end said again', async () => {
    const { server, request } = await scene();
    await request(1, 'logging/setLevel', { level: 'debug' });
    await request(2, 'logging/setLevel', { level: 'error' });
    await request(3, 'resources/subscribe', { uri: 'file:///a' });
    await request(4, 'resources/subscribe', { uri: 'file:///b' });
    await request(5, 'resources/unsubscribe', { uri: 'file:///a' });
    server.loseSessions();
    await request(6, 'tools/call');
    expect(methodsOf(server.carriedOut, 'session-2')).toEqual([
      'initialize',
      'notifications/initialized',
      'logging/setLevel',
      'resources/subscribe',
      ...methodsOf(server.carriedOut, 'session-2').filter((method) => method === 'GET'),
      'tools/call',
    ]);
    const bodies = server.requests.slice(-4).map(({ body }) => body);
    expect(bodies.find((body) => body.includes('setLevel'))).toContain('"error"');
    expect(bodies.find((body) => body.includes('subscribe'))).toContain('file:///b');
  });

  it('is made known to the host when the server is another one than before', async () => {
    const greeting = (number: number): JsonObject => ({
      ...usualGreeting,
      capabilities: { tools: {}, resources: {} },
      serverInfo: { name: 'A legacy server', version: String(number) },
    });
    const { server, request, unasked } = await scene({ greeting });
    server.loseSessions();
    await request(1, 'ping');
    expect(unasked.map(({ method }) => method)).toEqual([
      'notifications/tools/list_changed',
      'notifications/resources/list_changed',
    ]);
  });

  it('is not made known to the host when it is begun anew as it was', async () => {
    const { server, request, unasked } = await scene();
    server.loseSessions();
    await request(1, 'ping');
    expect(unasked).toEqual([]);
  });

  it('and cannot be begun anew is an error that says why', async () => {
    const greeting = (number: number): JsonObject =>
      number === 1 ? usualGreeting : { error: { code: -32_603, message: 'out of sessions' } };
    const { server, request } = await scene({ greeting });
    server.loseSessions();
    const refusal = await refusalOf(() => request(1, 'tools/call'));
    expect(refusal.code).toBe('server-answer-unusable');
    expect(refusal.message).toContain('out of sessions');
    expect(timesOf(server.carriedOut, 'tools/call')).toBe(0);
  });

  it('is begun anew for a notification too, which arrives once', async () => {
    const { server, notify } = await scene();
    server.loseSessions();
    await notify('notifications/roots/list_changed');
    const arrived = server.carriedOut.filter(([, method]) => method.includes('roots'));
    expect(arrived).toEqual([['session-2', 'notifications/roots/list_changed']]);
  });

  it('takes the questions of the server with it: the answer to one is not said to the next session', async () => {
    const { server, side } = await scene();
    server.loseSessions();
    await side.notify(Message.result('asked-1', { roots: [] }));
    expect(timesOf(server.carriedOut, 'initialize')).toBe(2);
    expect(timesOf(server.carriedOut, 'response')).toBe(0);
  });

  it.each<[string, number, string]>([
    ['400 about something else', 400, 'the arguments are wrong'],
    ['403', 403, 'no session for you'],
    ['500', 500, 'the session store is down'],
  ])('is not what %s means', async (_what, status, words) => {
    const work = ({ message, response }: Call): 'server' | 'done' => {
      if (message.method !== 'tools/call') return 'server';
      response.writeHead(status).end(words);
      return 'done';
    };
    const { server, request } = await scene({ work });
    expect((await refusalOf(() => request(1, 'tools/call'))).message).toContain(words);
    expect(timesOf(server.carriedOut, 'initialize')).toBe(1);
    expect(timesOf(server.carriedOut, 'tools/call')).toBe(1);
  });
});

/** Carries out a method in this way; other messages are answered. */
const doing =
  (method: string, work: (call: Call) => void): NonNullable<SessionServerOptions['work']> =>
  (call) => {
    if (call.message.method !== method) return 'server';
    work(call);
    return 'done';
  };
/** An event with an id, after which a stream can be resumed; it asks for a short wait. */
const numbered = (id: string, message: Parameters<typeof event>[0]): string =>
  `retry: 50\nid: ${id}\n${event(message)}`;
const progress = notification('progress');

describe('a stream that is cut before its answer', () => {
  const cutAfterOne = doing('tools/call', ({ response }) => {
    stream(response).write(numbered('e-1', progress), () => {
      response.destroy();
    });
  });

  it('is resumed after the last event, and the tool is called once', async () => {
    const { server, request } = await scene({
      work: cutAfterOne,
      stream: ({ request: { headers }, response }) => {
        if (headers['last-event-id'] === undefined) response.writeHead(405).end();
        else stream(response, notification('rest'), result(1, { ok: true })).end();
      },
    });
    const heard: JsonObject[] = [];
    expect(await request(1, 'tools/call', {}, heard)).toEqual(result(1, { ok: true }));
    expect(heard).toEqual([progress, notification('rest')]);
    expect(timesOf(server.carriedOut, 'tools/call')).toBe(1);
    const resumption = server.requests.find(({ headers }) => headers['last-event-id'] !== undefined);
    expect(resumption).toMatchObject({
      method: 'GET',
      headers: {
        accept: 'text/event-stream',
        'last-event-id': 'e-1',
        'mcp-session-id': 'session-1',
        'mcp-protocol-version': '2025-06-18',
      },
    });
  });

  it('is resumed as often as it is cut, from where it was then', async () => {
    const asked: unknown[] = [];
    const { server, request } = await scene({
      work: cutAfterOne,
      stream: ({ request: { headers }, response }) => {
        const after = headers['last-event-id'];
        if (after !== undefined) asked.push(after);
        if (after === undefined) response.writeHead(405).end();
        // Closed as a server does that wants to be polled; then cut; then cut without anything new.
        else if (asked.length === 1) stream(response).end(numbered('e-2', progress));
        else if (asked.length === 2)
          stream(response).write(numbered('e-3', progress), () => response.destroy());
        else if (asked.length === 3) response.destroy();
        else stream(response, result(1, { ok: true })).end();
      },
    });
    const heard: JsonObject[] = [];
    expect(await request(1, 'tools/call', {}, heard)).toEqual(result(1, { ok: true }));
    expect(asked).toEqual(['e-1', 'e-2', 'e-3', 'e-3']);
    expect(heard).toEqual([progress, progress, progress]);
    expect(timesOf(server.carriedOut, 'tools/call')).toBe(1);
  });

  it.each([404, 405, 500])(
    'and cannot be resumed is lost where it may have had effects: %i',
    async (status) => {
      const { server, request } = await scene({
        work: cutAfterOne,
        stream: ({ response }) => response.writeHead(status).end(),
      });
      const refusal = await refusalOf(() => request(1, 'tools/call'));
      expect(refusal.code).toBe('answer-lost');
      expect(refusal.remedy).toContain('Look before you repeat it');
      expect(timesOf(server.carriedOut, 'tools/call')).toBe(1);
    },
  );

  it('and cannot be resumed is repeated where it has no effects', async () => {
    const { server, request } = await scene({
      work: doing('tools/list', ({ message, response, before }) => {
        if (before > 0) sendJson(response, 200, result(message.id, { tools: [] }));
        else stream(response).write(numbered('e-1', progress), () => response.destroy());
      }),
    });
    expect(await request(1, 'tools/list')).toEqual(result(1, { tools: [] }));
    expect(timesOf(server.carriedOut, 'tools/list')).toBe(2);
  });

  it('is not resumed after the answer', async () => {
    const { server, request } = await scene({
      work: doing('tools/call', ({ message, response }) => {
        stream(response).write(numbered('e-1', result(message.id)), () => response.destroy());
      }),
    });
    expect(await request(1, 'tools/call')).toEqual(result(1));
    await request(2, 'ping');
    expect(server.requests.filter(({ headers }) => headers['last-event-id'] !== undefined)).toEqual([]);
  });

  it('by a server that is gone then is lost, though it cannot be reached', async () => {
    const { server, request } = await scene({
      work: doing('tools/call', ({ response }) => {
        stream(response).write(numbered('e-1', progress), () => void server.close());
      }),
    });
    expect((await refusalOf(() => request(1, 'tools/call'))).code).toBe('answer-lost');
  });
});

describe('an answer that is cut and cannot be resumed', () => {
  const cuts: [string, (response: ServerResponse) => void][] = [
    ['before it began', (response) => response.destroy()],
    ['in a stream', (response) => void stream(response).write(event(progress), () => response.destroy())],
    [
      'in JSON',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"jsonrpc":"2.0","id":1,"res', () => response.destroy());
      },
    ],
  ];
  const harmless = [
    'ping',
    'tools/list',
    'prompts/list',
    'prompts/get',
    'resources/list',
    'resources/templates/list',
    'resources/read',
    'resources/subscribe',
    'resources/unsubscribe',
    'completion/complete',
    'logging/setLevel',
    'tasks/get',
  ];

  it.each(harmless)('makes a request without effects come again: %s', async (method) => {
    const { server, request } = await scene({
      work: doing(method, ({ message, response, before }) => {
        if (before === 0) response.destroy();
        else sendJson(response, 200, result(message.id, { n: before }));
      }),
    });
    expect(await request(1, method)).toEqual(result(1, { n: 1 }));
    expect(timesOf(server.carriedOut, method)).toBe(2);
  });

  it.each(cuts)('makes it come again once, wherever it was cut: %s', async (_where, cut) => {
    const work = doing('tools/list', ({ response }) => {
      cut(response);
    });
    const { server, request } = await scene({ work });
    expect((await refusalOf(() => request(1, 'tools/list'))).code).toBe('answer-lost');
    expect(timesOf(server.carriedOut, 'tools/list')).toBe(2);
  });

  describe.each(['tools/call', 'tasks/cancel', 'x/nobody-knows'])('leaves %s alone', (method) => {
    it.each(cuts)('which may have had effects: %s', async (_where, cut) => {
      const work = doing(method, ({ response }) => {
        cut(response);
      });
      const { server, request } = await scene({ work });
      const refusal = await refusalOf(() => request(1, method));
      expect(refusal.code).toBe('answer-lost');
      expect(refusal.remedy).toContain('Look before you repeat it');
      expect(timesOf(server.carriedOut, method)).toBe(1);
    });
  });

  it.each([502, 504])('by a gateway counts as that: %i', async (status) => {
    const failing = (method: string) =>
      scene({
        work: doing(method, ({ message, response, before }) => {
          if (before === 0) response.writeHead(status).end();
          else sendJson(response, 200, result(message.id));
        }),
      });
    const list = await failing('tools/list');
    expect(await list.request(1, 'tools/list')).toEqual(result(1));
    const call = await failing('tools/call');
    expect((await refusalOf(() => call.request(1, 'tools/call'))).code).toBe('server-error');
    expect(timesOf(call.server.carriedOut, 'tools/call')).toBe(1);
  });

  it('is said of a cut session and a cut answer together: begun anew once, carried out once', async () => {
    const work = doing('tools/call', ({ response }) => response.destroy());
    const { server, request } = await scene({ work });
    server.loseSessions();
    expect((await refusalOf(() => request(1, 'tools/call'))).code).toBe('answer-lost');
    expect(timesOf(server.carriedOut, 'tools/call')).toBe(1);
  });

  it('of a notification makes it come again, which does no more than once', async () => {
    const method = 'notifications/progress';
    const work = doing(method, ({ response, before }) => {
      if (before === 0) response.destroy();
      else response.writeHead(202).end();
    });
    const { server, notify } = await scene({ work });
    await notify(method);
    expect(timesOf(server.carriedOut, method)).toBe(2);
  });
});

describe("the server's own stream", () => {
  it('is opened again after the last event when it was cut', async () => {
    const { server, unasked } = await scene({
      stream: ({ response, before }) => {
        stream(response).write(numbered(`own-${before}`, notification(`n${before}`)), () => {
          if (before < 2) response.destroy();
        });
      },
    });
    await expect.poll(() => unasked).toEqual([notification('n0'), notification('n1'), notification('n2')]);
    const asked = server.requests.filter(({ method }) => method === 'GET');
    expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'own-0', 'own-1']);
  });

  it('is not asked for again where there is none', async () => {
    const { server, request } = await scene();
    for (const id of [1, 2, 3]) await request(id, 'ping');
    expect(timesOf(server.carriedOut, 'GET')).toBe(1);
  });

  it('is not looked for in one session after another where the server says 404 to that alone', async () => {
    const { server, request } = await scene({ stream: ({ response }) => response.writeHead(404).end() });
    for (const id of [1, 2, 3]) await request(id, 'ping');
    expect(timesOf(server.carriedOut, 'initialize')).toBe(1);
    expect(timesOf(server.carriedOut, 'GET')).toBe(1);
  });

  it('shows a lost session before a request does', async () => {
    let open: ServerResponse | undefined;
    const { server, request } = await scene({
      stream: ({ response }) => {
        open = stream(response);
        open.write('retry: 50\n\n');
      },
    });
    server.loseSessions();
    open?.destroy();
    await server.when(({ headers }) => headers['mcp-session-id'] === 'session-2');
    expect(await request(1, 'tools/call')).toEqual(result(1));
    expect(server.requests.filter(({ body }) => body.includes('tools/call'))).toHaveLength(1);
  });
});

describe('the end of a session', () => {
  it('is told the server, with the session and the version agreed on', async () => {
    const { server, side } = await scene();
    await side.close();
    await side.close();
    const deletions = server.requests.filter(({ method }) => method === 'DELETE');
    expect(deletions.map(({ headers }) => headers)).toMatchObject([
      { 'mcp-session-id': 'session-1', 'mcp-protocol-version': '2025-06-18' },
    ]);
  });

  it('is that of the session begun last', async () => {
    const { server, side, request } = await scene();
    server.loseSessions();
    await request(1, 'ping');
    await side.close();
    const deletions = server.requests.filter(({ method }) => method === 'DELETE');
    expect(deletions.map(({ headers }) => headers['mcp-session-id'])).toEqual(['session-2']);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['405', (response) => response.writeHead(405).end()],
    ['404', (response) => response.writeHead(404).end()],
    ['401', (response) => response.writeHead(401).end()],
    ['503', (response) => response.writeHead(503, { 'retry-after': '30' }).end()],
    ['a cut connection', (response) => response.destroy()],
  ])('is quiet where the server answers with %s', async (_what, end) => {
    const { server, side, lines } = await scene({ end });
    await side.close();
    expect(server.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
    expect(lines.filter((line) => !line.startsWith('mcp-keyhole: debug: '))).toEqual([]);
  });

  it.each([
    ['a server that does not answer', { end: () => undefined }, anonymous],
    ['a token that does not come', {}, { ...anonymous, token: () => slowToken() }],
  ])('does not wait for %s', async (_what, options, tokens) => {
    isSlow = false;
    const { side, lines } = await scene(options, tokens);
    isSlow = true;
    const begin = performance.now();
    await side.close();
    expect(performance.now() - begin).toBeLessThan(3_000);
    expect(lines.join('')).toContain('the session was not ended');
  });

  it('is nothing to tell a server that keeps none', async () => {
    const { server, side } = await newScene();
    await side.close();
    expect(server.requests).toEqual([]);
  });
});

let isSlow = false;
/** No token from a certain moment on: a refresh that hangs. */
const slowToken = (): Promise<undefined> =>
  isSlow ? new Promise(() => undefined) : Promise.resolve(undefined);
