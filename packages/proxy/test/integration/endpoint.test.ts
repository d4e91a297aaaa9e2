import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { refusalError } from '../../src/http/answer.ts';
import {
  Endpoint,
  type EndpointDelay,
  type EndpointOptions,
  type EndpointRequest,
  type TokenProvider,
} from '../../src/http/endpoint.ts';
import { createExchange, type HttpResponse } from '../../src/http/exchange.ts';
import { ConnectionLost } from '../../src/http/failures.ts';
import { Listeners } from '../../src/listeners.ts';
import { failureOf, refusalOf } from '../support/failure.ts';
import { freePort, loopbackServer, sendJson, type Handler } from '../support/loopback-server.ts';
import { networkSettings } from '../support/network-settings.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { textOf } from '../support/ways.ts';
import { listening } from '../support/wire-server.ts';

/** A provider of tokens, and what it was asked. */
function tokenProvider(first: string | undefined = 'token-0', changes: Partial<TokenProvider> = {}) {
  let token = first;
  let count = 0;
  const asked: unknown[][] = [];
  const renew = (): void => {
    count += 1;
    token = `token-${count}`;
  };
  const tokens: TokenProvider = {
    token: () => Promise.resolve(token),
    onUnauthorized: (rejected, { scope, resourceMetadataUrl }) => {
      asked.push(['unauthorized', rejected, scope, resourceMetadataUrl?.href]);
      renew();
      return Promise.resolve();
    },
    onInsufficientScope: (insufficient, { scope }) => {
      asked.push(['insufficient', insufficient, scope]);
      renew();
      return Promise.resolve();
    },
    onAccepted: (accepted) => asked.push(['accepted', accepted]),
    ...changes,
  };
  return { tokens, asked };
}

/** An endpoint at an address. */
function endpointAt(url: string, options: Partial<EndpointOptions> = {}) {
  const delays = new Listeners<EndpointDelay>();
  const told: EndpointDelay[] = [];
  delays.add((delay) => told.push(delay));
  const { tokens, asked } = tokenProvider();
  const endpoint = new Endpoint(new URL('/mcp', url), {
    exchange: createExchange(networkSettings, {}),
    tokens,
    headers: () => Promise.resolve([]),
    log: recordedLog().log,
    delays,
    ...options,
  });
  const { signal } = new AbortController();
  const send = (changes: Partial<EndpointRequest> = {}): Promise<HttpResponse> =>
    endpoint.send({ method: 'POST', headers: {}, body: Buffer.from('{"n":1}'), signal, ...changes });
  return { endpoint, send, told, asked };
}

/** An endpoint, and its server, which answers in this way. */
async function scene(handle: Handler, options: Partial<EndpointOptions> = {}) {
  const server = await loopbackServer(handle);
  return { server, ...endpointAt(server.url, options) };
}

/** Answers one request after another in these ways, and from then on with 200. */
function inTurn(...answers: Handler[]): Handler {
  return (request, response) => {
    const answer = answers.shift();
    if (answer === undefined) response.end('ok');
    else return answer(request, response);
  };
}

const refusing =
  (status: number, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    sendJson(response, status, {}, headers);
  };
const bearer = (words: string): Record<string, string> => ({ 'www-authenticate': `Bearer ${words}` });

describe('a request to the endpoint', () => {
  it('carries the token in its header alone, and the headers of the user', async () => {
    const { server, send, asked } = await scene(inTurn(), {
      headers: () => Promise.resolve([['X-Key', 'k']]),
      tokens: tokenProvider().tokens,
    });
    expect(await textOf(await send({ headers: { accept: 'text/plain' } }))).toBe('ok');
    expect(asked).toEqual([]);
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/mcp',
        body: '{"n":1}',
        headers: { authorization: 'Bearer token-0', 'x-key': 'k', accept: 'text/plain' },
      },
    ]);
  });

  it('says that the token was accepted, whatever else the server answers', async () => {
    const { send, asked } = await scene(inTurn(refusing(500)));
    expect((await send()).status).toBe(500);
    expect(asked).toEqual([['accepted', 'token-0']]);
  });

  it('goes without a token where there is none', async () => {
    const { tokens, asked } = tokenProvider();
    const { server, send } = await scene(inTurn(), {
      tokens: { ...tokens, token: () => Promise.resolve(undefined) },
    });
    await send();
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(asked).toEqual([]);
  });

  it('can be given another header of authorization by the user', async () => {
    const { server, send } = await scene(inTurn(), {
      headers: () => Promise.resolve([['Authorization', 'Basic own']]),
    });
    await send();
    expect(server.requests[0]?.headers.authorization).toBe('Basic own');
  });

  it('is not sent when nobody waits for it any more, and does not wait for a token then', async () => {
    const reason = new Error('the host has gone');
    const never = new Promise<never>(() => undefined);
    for (const changes of [
      { token: () => never },
      { onUnauthorized: () => never },
      { onInsufficientScope: () => never },
    ]) {
      const controller = new AbortController();
      const { server, send } = await scene(
        inTurn(
          'onUnauthorized' in changes ? refusing(401) : refusing(403, bearer('error="insufficient_scope"')),
        ),
        { tokens: tokenProvider('token-0', changes).tokens },
      );
      const sending = failureOf(() => send({ signal: controller.signal }));
      if (!('token' in changes)) await server.when(() => true);
      await new Promise(setImmediate);
      controller.abort(reason);
      expect(await sending).toBe(reason);
      expect(server.requests).toHaveLength('token' in changes ? 0 : 1);
    }
  });
});

describe('a 401', () => {
  const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource';
  const challenge = bearer(`error="invalid_token", scope="a b", resource_metadata="${metadata}"`);

  it('leads to another token, and to the same request with it', async () => {
    const { server, send, asked } = await scene(inTurn(refusing(401, challenge)));
    expect(await textOf(await send())).toBe('ok');
    expect(asked).toEqual([
      ['unauthorized', 'token-0', 'a b', metadata],
      ['accepted', 'token-1'],
    ]);
    expect(server.requests.map(({ headers, body }) => [headers.authorization, body])).toEqual([
      ['Bearer token-0', '{"n":1}'],
      ['Bearer token-1', '{"n":1}'],
    ]);
  });

  it('a second time is an error: the new token is no better', async () => {
    const { server, send, asked } = await scene(inTurn(refusing(401), refusing(401)));
    expect((await refusalOf(() => send())).code).toBe('token-refused');
    expect([server.requests.length, asked.length]).toEqual([2, 1]);
  });

  it('in the background leads to no sign-in', async () => {
    const { server, send, asked } = await scene(inTurn(refusing(401)));
    expect((await send({ background: true })).status).toBe(401);
    expect([server.requests.length, asked]).toEqual([1, []]);
  });

  it('passes on the error of the sign-in', async () => {
    const failing = tokenProvider('token-0', {
      onUnauthorized: () => Promise.reject(new Error('nobody signs in')),
    });
    const { send } = await scene(inTurn(refusing(401)), { tokens: failing.tokens });
    expect((await failureOf(() => send())).message).toBe('nobody signs in');
  });
});

describe('a 403', () => {
  const insufficient = refusing(403, bearer('error="insufficient_scope", scope="write"'));

  it('for a missing scope leads to a sign-in for it, and to the same request again', async () => {
    const { server, send, asked } = await scene(inTurn(insufficient));
    expect(await textOf(await send())).toBe('ok');
    expect(asked.filter(([what]) => what === 'insufficient')).toEqual([['insufficient', 'token-0', 'write']]);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-0',
      'Bearer token-1',
    ]);
  });

  it('for a missing scope is an error at the third time', async () => {
    const { server, send } = await scene(inTurn(insufficient, insufficient, insufficient));
    const refusal = await refusalOf(() => send());
    expect([refusal.code, server.requests.length]).toEqual(['scope-missing', 3]);
    expect(refusal.message).toContain('write');
  });

  it.each([
    ['in the background', insufficient, { background: true }],
    ['without a challenge', refusing(403), {}],
    ['for another reason', refusing(403, bearer('error="invalid_request"')), {}],
    ['of another scheme', refusing(403, { 'www-authenticate': 'Basic error="insufficient_scope"' }), {}],
  ])('%s is a response like others', async (_what, answer, changes) => {
    const { server, send, asked } = await scene(inTurn(answer));
    expect((await send(changes)).status).toBe(403);
    expect([server.requests.length, asked]).toEqual([1, [['accepted', 'token-0']]]);
  });
});

describe('a server that is busy', () => {
  const busy = (status: number, retryAfter?: string): Handler =>
    refusing(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });

  it.each([429, 503])('is asked again when the seconds that it names are over: %i', async (status) => {
    const { server, send, told } = await scene(inTurn(busy(status, '1')));
    const begin = performance.now();
    expect(await textOf(await send())).toBe('ok');
    expect(performance.now() - begin).toBeGreaterThanOrEqual(990);
    expect(performance.now() - begin).toBeLessThan(3_000);
    expect([server.requests.length, told]).toEqual([2, ['busy']]);
  });

  it('is asked again at the time that it names', async () => {
    let at = 0;
    const { send } = await scene(
      inTurn((request, response) => {
        at = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000;
        return busy(503, new Date(at).toUTCString())(request, response);
      }),
    );
    expect(await textOf(await send())).toBe('ok');
    expect(Date.now()).toBeGreaterThanOrEqual(at - 10);
    expect(Date.now()).toBeLessThan(at + 2_000);
  });

  it.each([
    ['seconds', () => '45'],
    ['a time', () => new Date(Date.now() + 60_000).toUTCString()],
    ['a number without end', () => '9'.repeat(30)],
  ])('for longer than a host waits is not waited for: %s', async (_what, retryAfter) => {
    const { server, send, told } = await scene(inTurn(busy(503, retryAfter())));
    expect((await send()).status).toBe(503);
    expect([server.requests.length, told]).toEqual([1, []]);
  });

  it('that says "now" is asked at once, and from then on with pauses', async () => {
    const past = new Date(0).toUTCString();
    const { server, send } = await scene(inTurn(busy(503, '0'), busy(503, past), busy(429, '0')));
    const begin = performance.now();
    expect(await textOf(await send())).toBe('ok');
    expect(performance.now() - begin).toBeGreaterThanOrEqual(1_990);
    expect(server.requests).toHaveLength(4);
  });

  it('and does not say for how long is asked a few times', async () => {
    const { server, send } = await scene(inTurn(...Array.from({ length: 9 }, () => busy(503))));
    expect((await send()).status).toBe(503);
    expect(server.requests).toHaveLength(4);
  });

  it('is left alone by what happens in the background', async () => {
    const { server, send, told } = await scene(inTurn(busy(503, '0')));
    expect((await send({ background: true })).status).toBe(503);
    expect([server.requests.length, told]).toEqual([1, []]);
  });

  it('is not waited for when nobody waits for the request any more', async () => {
    const reason = new Error('the host has gone');
    const controller = new AbortController();
    const { server, send } = await scene(inTurn(busy(503, '30')));
    const sending = failureOf(() => send({ signal: controller.signal }));
    await server.when(() => true);
    controller.abort(reason);
    expect(await sending).toBe(reason);
  });
});

describe('a redirect', () => {
  const to =
    (status: number, location: string): Handler =>
    (_request, response) => {
      response.writeHead(status, { location }).end();
    };

  it.each([
    [307, '/mcp/'],
    [308, '/mcp/'],
    [307, 'mcp/v2?a=1'],
  ])('%i within the origin is followed with method, body and token: %s', async (status, location) => {
    const { server, send } = await scene(inTurn(to(status, location)));
    expect(await textOf(await send())).toBe('ok');
    const { pathname, search } = new URL(location, `${server.url}/mcp`);
    expect(server.requests[1]).toMatchObject({
      method: 'POST',
      path: pathname + search,
      body: '{"n":1}',
      headers: { authorization: 'Bearer token-0' },
    });
  });

  it('for good is kept in mind, and one for now is not', async () => {
    const forGood = await scene(inTurn(to(308, '/new')));
    await forGood.send();
    await forGood.send();
    expect(forGood.server.requests.map(({ path }) => path)).toEqual(['/mcp', '/new', '/new']);
    const forNow = await scene(inTurn(to(307, '/new')));
    await forNow.send();
    await forNow.send();
    expect(forNow.server.requests.map(({ path }) => path)).toEqual(['/mcp', '/new', '/mcp']);
  });

  it.each([307, 308])('%i to another origin is an error, and nothing is sent there', async (status) => {
    const other = await loopbackServer((_request, response) => void response.end('stolen'));
    const { server, endpoint, send } = await scene(inTurn(to(status, `${other.url}/mcp`)));
    const response = await send();
    const refusal = refusalError(endpoint.url, { status: response.status, text: await textOf(response) });
    expect(refusal.code).toBe('server-redirected');
    expect(refusal.remedy).toContain('never sent along to another origin');
    expect(server.requests).toHaveLength(1);
    // For good means not there either.
    await send();
    expect([server.requests.length, other.requests]).toEqual([2, []]);
  });

  it.each([
    ['another name for this machine', (port: number) => `http://localhost:${port}/mcp`],
    ['another scheme', (port: number) => `https://127.0.0.1:${port}/mcp`],
    [
      'an origin behind a name and a password',
      (port: number) => `http://127.0.0.1:${port}@evil.example.com/`,
    ],
    ['no address', () => 'http://'],
  ])('to %s is not followed', async (_what, location) => {
    const { server, send } = await scene((request, response) =>
      to(307, location(server.port))(request, response),
    );
    expect((await send()).status).toBe(307);
    expect(server.requests).toHaveLength(1);
  });

  it.each([301, 302, 303])('%i is not followed, since it may turn a POST into a GET', async (status) => {
    const { server, send } = await scene(inTurn(to(status, '/mcp/')));
    expect((await send()).status).toBe(status);
    expect(server.requests).toHaveLength(1);
  });

  it('in a circle ends', async () => {
    const { server, send } = await scene(to(307, '/mcp'));
    expect((await send()).status).toBe(307);
    expect(server.requests).toHaveLength(4);
  });
});

describe('a server that cannot be reached', () => {
  it('is tried again until it is there', async () => {
    const port = await freePort();
    const { send, told } = endpointAt(`http://127.0.0.1:${port}`);
    const sending = send();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      response.end('ok');
    });
    await listening(server, '127.0.0.1', [], port);
    expect(await textOf(await sending)).toBe('ok');
    expect(requests).toBe(1);
    expect(new Set(told)).toEqual(new Set(['unreachable']));
    expect(told.length).toBeGreaterThanOrEqual(2);
  });

  it('is given up after ten seconds, with what is wrong', async () => {
    const { send, told } = endpointAt(`http://127.0.0.1:${await freePort()}`);
    const begin = performance.now();
    const refusal = await refusalOf(() => send());
    const took = performance.now() - begin;
    expect(refusal.code).toBe('server-unreachable');
    expect(refusal.message).toContain('ECONNREFUSED');
    expect(took).toBeGreaterThan(7_000);
    expect(took).toBeLessThan(11_000);
    expect(told.length).toBeGreaterThanOrEqual(5);
  });

  it('is tried once in the background', async () => {
    const { send, told } = endpointAt(`http://127.0.0.1:${await freePort()}`);
    expect((await refusalOf(() => send({ background: true }))).code).toBe('server-unreachable');
    expect(told).toEqual([]);
  });

  it('is tried once where another try cannot end otherwise', async () => {
    // No TLS is spoken there.
    const { server, told } = await scene(inTurn());
    const { send } = endpointAt(server.url.replace('http:', 'https:'));
    expect((await refusalOf(() => send())).code).toBe('server-unreachable');
    expect(told).toEqual([]);
  });

  it('is not tried any more when nobody waits for the request', async () => {
    const reason = new Error('the host has gone');
    const controller = new AbortController();
    const { send, told } = endpointAt(`http://127.0.0.1:${await freePort()}`);
    const sending = failureOf(() => send({ signal: controller.signal }));
    await expect.poll(() => told).not.toEqual([]);
    controller.abort(reason);
    expect(await sending).toBe(reason);
  });

  it('after it has got the request is not tried again: what became of it is unknown', async () => {
    const { server, send, told } = await scene((_request, response) => void response.destroy());
    expect(await failureOf(() => send())).toBeInstanceOf(ConnectionLost);
    expect([server.requests.length, told]).toEqual([1, []]);
  });
});

describe('a request with a time for its answer', () => {
  it('counts as lost when that is over', async () => {
    const { server, send } = await scene(() => undefined);
    const failure = await failureOf(() => send({ answerWithin: 200 }));
    expect(failure).toBeInstanceOf(ConnectionLost);
    expect(failure.message).toBe('there was no answer within 0.2 seconds');
    expect(server.requests).toHaveLength(1);
  });

  it('may take longer for the rest, and its signal ends that too', async () => {
    const reason = new Error('the host has gone');
    const controller = new AbortController();
    const { send } = await scene((_request, response) => void response.write('the beginning'));
    const response = await send({ answerWithin: 100, signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(response.body.destroyed).toBe(false);
    const reading = failureOf(() => textOf(response));
    controller.abort(reason);
    await reading;
    await expect.poll(() => getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('leaves nothing at a signal that lives longer than it', async () => {
    const { send } = await scene((_request, response) => void response.end('ok'));
    const { signal } = new AbortController();
    await textOf(await send({ answerWithin: 5_000, signal }));
    await expect.poll(() => getEventListeners(signal, 'abort')).toEqual([]);
  });
});
