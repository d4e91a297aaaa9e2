import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Endpoint, type EndpointRequest } from '../../src/http/endpoint.ts';
import { createExchange, type HttpResponse } from '../../src/http/exchange.ts';
import { failureOf, refusalOf } from '../support/failure.ts';
import { freePort, loopbackServer, sendJson, type Handler } from '../support/loopback-server.ts';
import { networkSettings } from '../support/network-settings.ts';
import { proofIn, proofKey, thumbprintOf, type CheckedProof } from '../support/proofs.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { textOf } from '../support/ways.ts';

/** An endpoint whose token is bound to a key, and what asks it for a sign-in. */
function endpointAt(url: string, key = proofKey()) {
  const log = recordedLog();
  const unauthorized: (string | undefined)[] = [];
  const stepUps: (string | undefined)[] = [];
  const tried: (string | undefined)[] = [];
  const exchange = createExchange(networkSettings, {});
  const endpoint = new Endpoint(new URL('/mcp?tenant=1', url), {
    exchange: (request) => {
      tried.push(request.headers['dpop']);
      return exchange(request);
    },
    tokens: {
      token: () => Promise.resolve('token-0'),
      proofKey: () => key,
      onUnauthorized: (rejected) => {
        unauthorized.push(rejected);
        return Promise.resolve();
      },
      onInsufficientScope: (_insufficient, { scope }) => {
        stepUps.push(scope);
        return Promise.resolve();
      },
      onAccepted: () => undefined,
    },
    headers: () => Promise.resolve([]),
    log: log.log,
  });
  const { signal } = new AbortController();
  const send = (changes: Partial<EndpointRequest> = {}): Promise<HttpResponse> =>
    endpoint.send({ method: 'POST', headers: {}, body: Buffer.from('{"n":1}'), signal, ...changes });
  return { key, log, unauthorized, stepUps, tried, send };
}

async function scene(handle: Handler) {
  const server = await loopbackServer(handle);
  const proofs = (): CheckedProof[] => server.requests.map((request) => proofIn(request, server.url));
  return { server, proofs, ...endpointAt(server.url) };
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
  (error: string, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    sendJson(response, 401, {}, { 'www-authenticate': `DPoP error="${error}"`, ...headers });
  };
const nonceWanted = (nonce: string): Handler => refusing('use_dpop_nonce', { 'dpop-nonce': nonce });
const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toUTCString();

describe('a request with a token that is bound to a key', () => {
  it('proves that it has the key, for this request and this token', async () => {
    const { server, proofs, send, key, log } = await scene(inTurn());
    expect(await textOf(await send())).toBe('ok');
    expect(server.requests[0]?.headers.authorization).toBe('DPoP token-0');
    const [proof] = proofs();
    expect(proof?.jkt).toBe(thumbprintOf({ ...key }));
    expect(proof?.header).toEqual({
      typ: 'dpop+jwt',
      alg: 'ES256',
      jwk: { kty: 'EC', crv: 'P-256', x: key.x, y: key.y },
    });
    expect(Object.keys(proof?.claims ?? {}).sort()).toEqual([
      'ath',
      'content_digest',
      'htm',
      'htu',
      'iat',
      'jti',
    ]);
    expect(Math.abs(Number(proof?.claims['iat']) - Date.now() / 1_000)).toBeLessThan(3);
    const digest = createHash('sha256').update('{"n":1}').digest('base64');
    expect(proof?.claims['content_digest']).toBe(`sha-256=:${digest}:`);
    expect(log.text()).not.toContain('eyJ');
  });

  it.each(['GET', 'DELETE'] as const)('does so with %s too, which has no body to digest', async (method) => {
    const { proofs, send } = await scene(inTurn());
    await send({ method, body: undefined, background: true });
    expect(proofs()[0]?.claims).toMatchObject({ htm: method });
    expect(proofs()[0]?.claims).not.toHaveProperty('content_digest');
  });

  it('has a fresh proof each time that it is sent, put off or redirected', async () => {
    const { server, proofs, send } = await scene(
      inTurn(
        (_request, response) => void response.writeHead(503, { 'retry-after': '0' }).end(),
        (_request, response) => void response.writeHead(307, { location: '/mcp/' }).end(),
      ),
    );
    await send();
    expect(server.requests.map(({ path }) => path)).toEqual(['/mcp?tenant=1', '/mcp?tenant=1', '/mcp/']);
    expect(new Set(proofs().map(({ claims }) => claims['jti'])).size).toBe(3);
  });

  it('has a fresh proof at each attempt to reach the server', async () => {
    const { send, tried } = endpointAt(`http://127.0.0.1:${await freePort()}`);
    const controller = new AbortController();
    const sending = failureOf(() => send({ signal: controller.signal }));
    await expect.poll(() => tried.length).toBeGreaterThan(1);
    controller.abort(new Error('the host has gone'));
    expect((await sending).message).toBe('the host has gone');
    expect(new Set(tried).size).toBe(tried.length);
    expect(tried).not.toContain(undefined);
  });

  it('is sent again with the nonce that the server wants, and the next one has it at once', async () => {
    const { proofs, send, unauthorized } = await scene(inTurn(nonceWanted('n-1')));
    expect(await textOf(await send())).toBe('ok');
    await send({ background: true });
    expect(proofs().map(({ claims }) => claims['nonce'])).toEqual([undefined, 'n-1', 'n-1']);
    expect(unauthorized).toEqual([]);
  });

  it('takes the next nonce from any answer', async () => {
    const { proofs, send } = await scene((_request, response) => {
      response.writeHead(200, { 'dpop-nonce': 'n-2' }).end();
    });
    await send();
    await send();
    expect(proofs().map(({ claims }) => claims['nonce'])).toEqual([undefined, 'n-2']);
  });

  it('is sent again though others have heard of the nonce meanwhile', async () => {
    const { send } = await scene((request, response) => {
      const { nonce } = proofIn(request, `http://${request.headers.host ?? ''}`).claims;
      if (nonce === 'n-1') response.end('ok');
      else return nonceWanted('n-1')(request, response);
    });
    const answers = await Promise.all(Array.from({ length: 8 }, () => send()));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  });

  it.each([
    ['a nonce that it does not say', [refusing('use_dpop_nonce')], 1],
    ['one nonce after another', [nonceWanted('n-1'), nonceWanted('n-2')], 2],
    ['another proof, and does not say why', [refusing('invalid_dpop_proof')], 1],
    [
      'another proof, in an answer that is old',
      [refusing('invalid_dpop_proof', { date: inMinutes(-10), age: '600' })],
      1,
    ],
  ])('fails clearly when the server wants %s', async (_wish, answers, count) => {
    const { server, send, unauthorized } = await scene(inTurn(...answers));
    const refusal = await refusalOf(() => send());
    expect(refusal.code).toBe('proof-refused');
    expect(refusal.message).toMatch(/use_dpop_nonce|invalid_dpop_proof/u);
    expect(server.requests).toHaveLength(count);
    expect(unauthorized).toEqual([]);
  });

  it('goes by the clock of the server where that is another', async () => {
    const { proofs, send } = await scene(inTurn(refusing('invalid_dpop_proof', { date: inMinutes(10) })));
    expect(await textOf(await send())).toBe('ok');
    const [before, after] = proofs().map(({ claims }) => Number(claims['iat']));
    expect(Math.abs(Number(after) - Number(before) - 600)).toBeLessThan(5);
  });

  it('leads to a sign-in for more scopes when the challenge asks for them', async () => {
    const challenge = { 'www-authenticate': 'DPoP error="insufficient_scope", scope="write"' };
    const { send, stepUps, proofs } = await scene(
      inTurn((_request, response) => {
        sendJson(response, 403, {}, challenge);
      }),
    );
    expect(await textOf(await send())).toBe('ok');
    expect(stepUps).toEqual(['write']);
    expect(proofs()).toHaveLength(2);
  });

  it('leads to a sign-in when it is the token that is refused', async () => {
    const { send, unauthorized, proofs } = await scene(inTurn(refusing('invalid_token')));
    expect(await textOf(await send())).toBe('ok');
    expect(unauthorized).toEqual(['token-0']);
    expect(proofs()).toHaveLength(2);
  });
});
