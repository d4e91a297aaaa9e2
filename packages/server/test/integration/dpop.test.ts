// Tokens that are bound to a key (RFC 9449): what an attacker may try with a stolen one, beside what its owner does.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import express from 'express';
import { exportJWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashOf, Prover } from '../../../fusionauth-emulator/test/support/prover.ts';
import { Nonces } from '../../src/dpop/nonces.ts';
import { protect } from '../../src/protect.ts';
import { createLog } from '../../src/log.ts';
import type { Environment } from '../../src/config.ts';
import { clientId } from '../support/fusionauth-stand-in.ts';
import {
  bearer,
  callGetName,
  greetingIn,
  protectedServer,
  publicUrl,
  type ProtectedServer,
} from '../support/protected-server.ts';
import { hasRedis, RedisServer } from '../support/redis-server.ts';

const resource = `${publicUrl}/mcp`;
const now = (): number => Math.floor(Date.now() / 1_000);

let owner: Prover;
let thief: Prover;
beforeAll(async () => {
  [owner, thief] = await Promise.all([Prover.create(), Prover.create()]);
});

const boundToken = (node: ProtectedServer): Promise<string> =>
  node.fusionAuth.token({ cnf: { jkt: owner.jkt } });

/** A proof of the owner for a call with a token. */
const proofFor = (token: string, claims: object = {}, header: object = {}): Promise<string> =>
  owner.proof('POST', resource, { ath: hashOf(token), ...claims }, { ...header });

const call = (node: ProtectedServer, token: string, dpop?: string): Promise<Response> =>
  callGetName(node.endpoint, { Authorization: `DPoP ${token}`, ...(dpop !== undefined && { DPoP: dpop }) });

interface Refused {
  readonly status: number;
  readonly error: unknown;
  readonly challenge: string;
  readonly nonce: string | null;
}

async function refusal(response: Response): Promise<Refused> {
  const { error } = (await response.json()) as { error?: unknown };
  const { status, headers } = response;
  return {
    status,
    error,
    challenge: headers.get('www-authenticate') ?? '',
    nonce: headers.get('dpop-nonce'),
  };
}

const reasons = (node: ProtectedServer): unknown[] =>
  node.entries('access token refused').map(({ reason, detail }) => [reason, detail]);

describe('a token that is bound to a key', () => {
  let running: ProtectedServer;
  beforeAll(async () => {
    running = await protectedServer();
    running.fusionAuth.publishes = true;
  });
  afterAll(() => running[Symbol.asyncDispose]());
  beforeEach(() => {
    running.lines.length = 0;
  });

  it('passes with a proof for each request, by whatever kind of key, though the token is remembered', async () => {
    for (const alg of ['ES256', 'RS256', 'Ed25519']) {
      const prover = await Prover.create(alg);
      const token = await running.fusionAuth.token({ cnf: { jkt: prover.jkt } });
      for (let time = 0; time < 2; time += 1) {
        const dpop = await prover.proof('POST', resource, { ath: hashOf(token) });
        expect(await greetingIn(await call(running, token, dpop))).toBe('Hello, Test User!');
      }
    }
  });

  it('greets by its own claims, since userinfo would want a proof that only the client can make', async () => {
    const { fusionAuth } = running;
    const greetingOf = async (claims: object): Promise<string | undefined> => {
      const token = await fusionAuth.token({ cnf: { jkt: owner.jkt }, ...claims });
      fusionAuth.requests.length = 0;
      return greetingIn(await call(running, token, await proofFor(token)));
    };
    fusionAuth.userinfo = { status: 401 };
    expect(await greetingOf({ given_name: 'Test', family_name: 'User' })).toBe('Hello, Test User!');
    expect(fusionAuth.requests).toEqual([]);
    expect(await greetingOf({})).toBe(`Hello, ${clientId}!`);
    const [entry] = running.entries("userinfo failed; using the token's claims");
    expect(entry).toMatchObject({ status: 401, boundToken: true });
    // The twin: one that knows no DPoP takes it as any other.
    fusionAuth.userinfo = { given_name: 'Other' };
    expect(await greetingOf({})).toBe('Hello, Other!');
  });

  it('is refused as bearer token, with and without a proof, and the challenge names DPoP', async () => {
    const token = await boundToken(running);
    const plain = await refusal(await callGetName(running.endpoint, bearer(token)));
    const proven = await callGetName(running.endpoint, { ...bearer(token), DPoP: await proofFor(token) });
    expect(plain).toMatchObject({ status: 401, error: 'invalid_token' });
    expect(plain.challenge).toMatch(
      /^Bearer error="invalid_token".*resource_metadata=".*, DPoP algs="[^"]*ES256/u,
    );
    expect(proven.status).toBe(401);
    expect(reasons(running)).toEqual([
      ['bound-token-as-bearer', undefined],
      ['bound-token-as-bearer', undefined],
    ]);
  });

  it.each<[string, string, (token: string) => Promise<string | undefined> | string]>([
    ['missing', 'without its key: no proof', () => Promise.resolve(undefined)],
    ['key', 'by the thief’s key', (token) => thief.proof('POST', resource, { ath: hashOf(token) })],
    [
      'signature',
      'signed by the thief under the owner’s key',
      (token) => thief.proof('POST', resource, { ath: hashOf(token) }, { jwk: owner.jwk }),
    ],
    ['htm', 'for another method', (token) => proofFor(token, { htm: 'GET' })],
    ['htu', 'for another server', (token) => proofFor(token, { htu: 'https://evil.example/mcp' })],
    ['htu', 'for another path', (token) => proofFor(token, { htu: `${publicUrl}/other` })],
    [
      'htu',
      'for the address behind the reverse proxy',
      (token) => proofFor(token, { htu: running.endpoint }),
    ],
    [
      'htu',
      'for an address with a user in it',
      (token) => proofFor(token, { htu: resource.replace('//', '//user@') }),
    ],
    ['nonce', 'with a nonce that is no text', (token) => proofFor(token, { nonce: 7 })],
    ['ath', 'for another token', (token) => proofFor(token, { ath: hashOf('another') })],
    ['ath', 'for the token endpoint, where there is no ath', (token) => proofFor(token, { ath: undefined })],
    ['iat', 'made too long ago', (token) => proofFor(token, { iat: now() - 65 })],
    ['iat', 'made in the future', (token) => proofFor(token, { iat: now() + 35 })],
    ['iat', 'made at no time', (token) => proofFor(token, { iat: undefined })],
    ['jti', 'without jti', (token) => proofFor(token, { jti: undefined })],
    ['form', 'of another typ', (token) => proofFor(token, {}, { typ: 'JWT' })],
    [
      'form',
      'with a private key in it',
      async (token) => proofFor(token, {}, { jwk: await exportJWK(owner.privateKey) }),
    ],
    ['form', 'without a key in it', (token) => proofFor(token, {}, { jwk: undefined })],
    ['form', 'that is no JWT', () => 'proof'],
    ['form', 'that is nothing', () => ','],
    ['too-long', 'that is huge', (token) => proofFor(token, { padding: 'x'.repeat(4_096) })],
  ])('is refused (%s) with a proof %s', async (detail, _name, make) => {
    const token = await boundToken(running);
    const refused = await refusal(await call(running, token, await make(token)));
    expect(refused).toMatchObject({ status: 401, error: 'invalid_dpop_proof', nonce: null });
    expect(refused.challenge).toMatch(/^DPoP error="invalid_dpop_proof".*algs="/u);
    expect(refused.challenge).not.toContain('Bearer');
    expect(reasons(running)).toEqual([['invalid-proof', detail]]);
  });

  it('is refused with a proof that was altered, and with alg none or a symmetric one', async () => {
    const token = await boundToken(running);
    const [header = '', claims = '', signature = ''] = (await proofFor(token)).split('.');
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const read = JSON.parse(Buffer.from(claims, 'base64url').toString()) as object;
    const altered = [header, part({ ...read, jti: 'another' }), signature].join('.');
    const none = [part({ typ: 'dpop+jwt', alg: 'none', jwk: owner.jwk }), claims, ''].join('.');
    const symmetric = [part({ typ: 'dpop+jwt', alg: 'HS256', jwk: owner.jwk }), claims, signature].join('.');
    for (const proof of [altered, none, symmetric]) {
      expect((await call(running, token, proof)).status).toBe(401);
    }
    expect(reasons(running).map((entry) => (entry as unknown[])[1])).toEqual(['signature', 'form', 'form']);
  });

  it('is refused with a proof that was used, and so is the proof with another token of the same key', async () => {
    const token = await boundToken(running);
    const dpop = await proofFor(token);
    expect((await call(running, token, dpop)).status).toBe(200);
    expect(await refusal(await call(running, token, dpop))).toMatchObject({
      status: 401,
      error: 'invalid_dpop_proof',
    });
    expect(reasons(running)).toEqual([['replayed-proof', undefined]]);
    const other = await running.fusionAuth.token({ cnf: { jkt: owner.jkt }, jti: 'other' });
    expect((await call(running, other, dpop)).status).toBe(401);
  });

  it('passes though the proof of another key has the same jti: nobody can use up another’s', async () => {
    for (const prover of [thief, owner]) {
      const token = await running.fusionAuth.token({ cnf: { jkt: prover.jkt } });
      const dpop = await prover.proof('POST', resource, { ath: hashOf(token), jti: 'the same' });
      expect((await call(running, token, dpop)).status).toBe(200);
    }
  });

  it('is let in once of twenty replays at once', async () => {
    const token = await boundToken(running);
    const dpop = await proofFor(token);
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(running, token, dpop)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('is refused with two DPoP headers, both good', async () => {
    const token = await boundToken(running);
    const headers: OutgoingHttpHeaders = {
      Authorization: `DPoP ${token}`,
      DPoP: [await proofFor(token), await proofFor(token)],
    };
    const sent = httpRequest(running.endpoint, { method: 'POST', headers });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(401);
    expect(reasons(running)).toEqual([['invalid-proof', 'several']]);
  });

  it.each([{ jkt: 7 }, { jkt: '' }, { jkt: undefined, 'x5t#S256': 'abc' }])(
    'with the confirmation %j is not taken for another',
    async (cnf) => {
      const token = await running.fusionAuth.token({ cnf });
      const asBearer = await callGetName(running.endpoint, bearer(token));
      const asBound = await call(running, token, await proofFor(token));
      // A certificate's confirmation (RFC 8705) is no key of DPoP; a jkt that cannot be read is one that nobody has.
      expect([asBearer.status, asBound.status]).toEqual([cnf.jkt === undefined ? 200 : 401, 401]);
    },
  );

  it('says nothing of the token to who has no proof: the same answer though the token lacks the scope', async () => {
    const token = await running.fusionAuth.token({ cnf: { jkt: owner.jkt }, scope: 'openid' });
    expect(await refusal(await call(running, token))).toMatchObject({ status: 401 });
    const own = await refusal(await call(running, token, await proofFor(token)));
    expect(own).toMatchObject({ status: 403, error: 'insufficient_scope' });
    // RFC 9449, section 7.1: by the scheme that the token needs, whoever words the challenge.
    expect(own.challenge).toMatch(
      /^DPoP error="insufficient_scope", .*scope="openid get_name".*, algs="[^"]*\bES256\b[^"]*"$/u,
    );
    expect(own.challenge).not.toContain('Bearer');
    expect(running.entries('access token refused').at(-1)).toMatchObject({ challenged: 'openid get_name' });
    const unbound = await running.fusionAuth.token({ scope: 'openid' });
    const { challenge } = await refusal(await callGetName(running.endpoint, bearer(unbound)));
    expect(challenge).toMatch(/^Bearer error="insufficient_scope", /u);
    expect(challenge).not.toMatch(/DPoP|algs/u);
  });

  it('takes the scheme in any case, an htu with query and another spelling, and a slash at its end', async () => {
    const token = await boundToken(running);
    const spelling = resource.replace('https://mcp', 'HTTPS://MCP').replace('/mcp', ':443/mcp/?a=b#c');
    const response = await callGetName(running.endpoint, {
      Authorization: `dpop ${token}`,
      DPoP: await proofFor(token, { htu: spelling }),
    });
    expect(response.status).toBe(200);
  });

  it('an unbound token is refused under the scheme DPoP, and passes as bearer token', async () => {
    const token = await running.fusionAuth.token();
    const refused = await refusal(await call(running, token, await proofFor(token)));
    expect(refused).toMatchObject({ status: 401, error: 'invalid_token' });
    expect(reasons(running)).toEqual([['unbound-token', undefined]]);
    expect((await callGetName(running.endpoint, bearer(token))).status).toBe(200);
  });
});

describe('the public URL with a path', () => {
  it('is what a proof is for, whether the reverse proxy strips the path or not', async () => {
    const url = 'https://example.com/tools';
    await using running = await protectedServer({ env: { MCP_SERVER_URL: url } });
    const token = await running.fusionAuth.token({
      cnf: { jkt: owner.jkt },
      aud: ['client', `${url}/mcp`],
    });
    const origin = new URL(running.endpoint).origin;
    for (const [path, htu, status] of [
      ['/mcp', `${url}/mcp`, 200],
      ['/tools/mcp', `${url}/mcp`, 200],
      ['/mcp', 'https://example.com/mcp', 401],
    ] as const) {
      const DPoP = await proofFor(token, { htu });
      const response = await callGetName(`${origin}${path}`, { Authorization: `DPoP ${token}`, DPoP });
      expect([path, htu, response.status]).toEqual([path, htu, status]);
      await response.body?.cancel();
    }
  });
});

describe('the switch DPOP', () => {
  const challengeWithoutToken = async (node: ProtectedServer): Promise<string> =>
    (await refusal(await callGetName(node.endpoint))).challenge;
  const metadataOf = async (node: ProtectedServer): Promise<Record<string, unknown>> => {
    const url = new URL('/.well-known/oauth-protected-resource/mcp', node.endpoint);
    return (await (await fetch(url)).json()) as Record<string, unknown>;
  };

  it('accept, the default: the challenge is by Bearer alone; the metadata names the algorithms', async () => {
    await using running = await protectedServer();
    expect(await challengeWithoutToken(running)).not.toContain('DPoP');
    const metadata = await metadataOf(running);
    expect(metadata['dpop_signing_alg_values_supported']).toContain('ES256');
    expect(metadata).not.toHaveProperty('dpop_bound_access_tokens_required');
  });

  it('offer: the challenge names DPoP behind Bearer', async () => {
    await using running = await protectedServer({ env: { DPOP: 'offer' } });
    expect(await challengeWithoutToken(running)).toMatch(/^Bearer scope=".*", DPoP algs="[^"]*ES256[^"]*"$/u);
    expect((await callGetName(running.endpoint, bearer(await running.fusionAuth.token()))).status).toBe(200);
  });

  it('require: DPoP alone, with all that a client needs to sign in; an unbound token is refused', async () => {
    await using running = await protectedServer({ env: { DPOP: 'require' } });
    const challenge = await challengeWithoutToken(running);
    expect(challenge).toMatch(/^DPoP scope=".*", resource_metadata=".*", algs="/u);
    expect(challenge).not.toContain('Bearer');
    expect(await metadataOf(running)).toMatchObject({ dpop_bound_access_tokens_required: true });
    const unbound = await callGetName(running.endpoint, bearer(await running.fusionAuth.token()));
    expect((await refusal(unbound)).challenge).toMatch(/^DPoP error="invalid_token"/u);
    const token = await boundToken(running);
    expect((await call(running, token, await proofFor(token))).status).toBe(200);
  });
});

describe('nonces', () => {
  const secret = 'a secret of thirty-two characters';
  const env: Environment = { DPOP_NONCE_SECRET: secret };

  it('are asked for, and accepted by each node that has the secret, not by one with another', async () => {
    await using first = await protectedServer({ env });
    const { fusionAuth } = first;
    await using second = await protectedServer({ env, fusionAuth });
    await using stranger = await protectedServer({
      env: { DPOP_NONCE_SECRET: secret.toUpperCase() },
      fusionAuth,
    });
    const token = await boundToken(first);
    const asked = await refusal(await call(first, token, await proofFor(token)));
    expect(asked).toMatchObject({ status: 401, error: 'use_dpop_nonce' });
    expect(asked.challenge).toMatch(/^DPoP error="use_dpop_nonce"/u);
    const nonce = asked.nonce ?? '';
    const answers = await Promise.all(
      [first, second, stranger].map(async (node) => call(node, token, await proofFor(token, { nonce }))),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401]);
    expect(answers[0]?.headers.get('dpop-nonce')).toBeNull();
    expect(answers[2]?.headers.get('dpop-nonce')).toMatch(/^[\w-]{30}$/u);
  });

  it('stand for the time: a client whose clock is wrong gets in, and one with an old nonce is given a new one', async () => {
    await using running = await protectedServer({ env });
    const token = await boundToken(running);
    const made = (secondsAgo: number): string =>
      new Nonces(secret, () => Date.now() - secondsAgo * 1_000).make();
    const send = async (nonce: string): Promise<Response> =>
      call(running, token, await proofFor(token, { nonce, iat: now() - 86_400 }));
    const fresh = await send(made(0));
    const ageing = await send(made(200));
    const old = await send(made(301));
    const early = await send(made(-60));
    const forged = await send(made(0).replace(/(?<=^.{20})./u, (letter) => (letter === 'A' ? 'B' : 'A')));
    expect([fresh, ageing, old, early, forged].map(({ status }) => status)).toEqual([
      200, 200, 401, 401, 401,
    ]);
    expect([fresh, ageing].map(({ headers }) => headers.has('dpop-nonce'))).toEqual([false, true]);
    expect(await refusal(old)).toMatchObject({ error: 'use_dpop_nonce' });
  });

  it('do not let a proof be used twice', async () => {
    await using running = await protectedServer({ env });
    const token = await boundToken(running);
    const dpop = await proofFor(token, { nonce: new Nonces(secret).make() });
    expect((await call(running, token, dpop)).status).toBe(200);
    expect((await call(running, token, dpop)).status).toBe(401);
  });
});

describe('two nodes', () => {
  it('without Redis each know their own proofs only', async () => {
    await using first = await protectedServer();
    await using second = await protectedServer({ fusionAuth: first.fusionAuth });
    const token = await boundToken(first);
    const dpop = await proofFor(token);
    expect((await call(first, token, dpop)).status).toBe(200);
    expect((await call(first, token, dpop)).status).toBe(401);
    expect((await call(second, token, dpop)).status).toBe(200);
  });

  it.skipIf(!hasRedis)('with Redis refuse each other’s, and their own when Redis has died', async () => {
    await using redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url };
    await using first = await protectedServer({ env });
    await using second = await protectedServer({ env, fusionAuth: first.fusionAuth });
    const token = await boundToken(first);
    const dpop = await proofFor(token);
    expect((await call(first, token, dpop)).status).toBe(200);
    expect((await call(second, token, dpop)).status).toBe(401);
    expect((await call(first, token, dpop)).status).toBe(401);
    await redis.stop();
    const later = await proofFor(token);
    expect((await call(first, token, later)).status).toBe(200);
    expect((await call(first, token, later)).status).toBe(401);
    expect((await call(first, token, dpop)).status).toBe(401);
  });
});

describe('a page of an allowed origin', () => {
  it('may send DPoP and read DPoP-Nonce and the challenge', async () => {
    const origin = 'https://app.example.com';
    await using running = await protectedServer({ env: { CORS_ORIGIN: origin } });
    const preflight = await fetch(running.endpoint, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization, dpop',
      },
    });
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization, dpop');
    const exposed = preflight.headers.get('access-control-expose-headers')?.split(', ');
    expect(exposed).toEqual(expect.arrayContaining(['DPoP-Nonce', 'WWW-Authenticate']));
  });
});

describe('an app that uses protect', () => {
  it('has its routes below the resource proven each for itself', async () => {
    await using other = await protectedServer();
    const { fusionAuth } = other;
    const app = express();
    const api = 'https://api.example.com/api';
    const log = createLog({ destination: { write: () => undefined } });
    app.use(protect({ resource: api, issuer: fusionAuth.url, dpop: { mode: 'require' }, log }));
    app.get('/api/alarms', (_request, response) => void response.json({}));
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as { port: number };
      const token = await fusionAuth.token({ aud: ['client', api], cnf: { jkt: owner.jkt } });
      const get = async (htu: string): Promise<number> => {
        const DPoP = await owner.proof('GET', htu, { ath: hashOf(token) });
        const headers = { Authorization: `DPoP ${token}`, DPoP };
        return (await fetch(`http://127.0.0.1:${port}/api/alarms?soon=1`, { headers })).status;
      };
      expect(await get(`${api}/alarms`)).toBe(200);
      expect(await get(api)).toBe(401);
      expect(await get(`${api}/other`)).toBe(401);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
