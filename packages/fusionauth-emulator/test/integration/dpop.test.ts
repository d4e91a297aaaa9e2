// DPoP (RFC 9449) as FusionAuth documents it, each rule beside what breaks it.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { exportJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator, type EmulatorOptions } from '@mcp-keyhole/fusionauth-emulator';
import { answerOf, api, decode, registerClient, SignIn, type Answer, type Json } from '../support/client.ts';
import { hashOf, Prover } from '../support/prover.ts';

let emulator: Emulator;
let prover: Prover;
let other: Prover;
let tokenEndpoint: string;
let userinfoEndpoint: string;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  [prover, other] = await Promise.all([Prover.create(), Prover.create()]);
  tokenEndpoint = `${emulator.url}/oauth2/token`;
  userinfoEndpoint = `${emulator.url}/oauth2/userinfo`;
});
afterAll(() => emulator.close());

const now = (): number => Math.floor(Date.now() / 1_000);
const newSignIn = async (at = emulator): Promise<SignIn> => new SignIn(at, await registerClient(at));
const proofFor = (claims: Json = {}, header: Json = {}): Promise<string> =>
  prover.proof('POST', tokenEndpoint, claims, header);
const configuration = async ({ url }: Emulator): Promise<Json> =>
  (await answerOf(await fetch(`${url}/.well-known/openid-configuration`))).body;

/** Signed in with a proof. */
async function boundTokens(signIn: SignIn): Promise<Json> {
  const answer = await signIn.exchange(await signIn.code(), {}, { dpop: await proofFor() });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
}

describe('a code exchange with a DPoP proof', () => {
  it('answers token_type DPoP and an access token whose cnf.jkt is the key, and an id_token without', async () => {
    const tokens = await boundTokens(await newSignIn());
    expect(tokens['token_type']).toBe('DPoP');
    expect(decode(tokens['access_token']).claims['cnf']).toEqual({ jkt: prover.jkt });
    expect(decode(tokens['id_token']).claims).not.toHaveProperty('cnf');
  });

  it('answers Bearer and no cnf without a proof', async () => {
    const tokens = await (await newSignIn()).tokens();
    expect(tokens['token_type']).toBe('Bearer');
    expect(decode(tokens['access_token']).claims).not.toHaveProperty('cnf');
  });

  it.each(['Ed25519', 'ES384', 'PS256', 'RS512'])('takes proofs signed %s', async (alg) => {
    const signIn = await newSignIn();
    const dpop = await (await Prover.create(alg)).proof('POST', tokenEndpoint);
    expect((await signIn.exchange(await signIn.code(), {}, { dpop })).body['token_type']).toBe('DPoP');
  });

  it('takes an htu with a query, and an iat within ten seconds and the clock skew', async () => {
    const signIn = await newSignIn();
    const dpop = await proofFor({ htu: `${tokenEndpoint}?a=b#c`, iat: now() - 20 });
    expect((await signIn.exchange(await signIn.code(), {}, { dpop })).status).toBe(200);
  });
});

describe('a proof is refused with invalid_dpop_proof, and the code stays good', () => {
  let signIn: SignIn;
  let code: string;
  beforeAll(async () => {
    signIn = await newSignIn();
    code = await signIn.code();
  });
  afterAll(async () => {
    // The broken twin's twin: nothing but the proof was wrong with any of them.
    const answer = await signIn.exchange(code, {}, { dpop: await proofFor() });
    expect(answer.status).toBe(200);
  });

  const unsigned = (header: Json): string => {
    const claims = { jti: 'none', htm: 'POST', htu: tokenEndpoint, iat: now() };
    const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ typ: 'dpop+jwt', jwk: prover.jwk, ...header })}.${part(claims)}.`;
  };
  const altered = async (): Promise<string> => {
    const [header = '', , signature = ''] = (await proofFor()).split('.');
    const claims = { jti: 'altered', htm: 'POST', htu: tokenEndpoint, iat: now() };
    return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  };

  it.each<[string, () => string | Promise<string>]>([
    ['another htm', () => proofFor({ htm: 'GET' })],
    ['another htu', () => proofFor({ htu: userinfoEndpoint })],
    ['the htu of another server', () => proofFor({ htu: 'https://attacker.example/oauth2/token' })],
    ['no htu', () => proofFor({ htu: undefined })],
    ['a stale iat', () => proofFor({ iat: now() - 40 })],
    ['a future iat', () => proofFor({ iat: now() + 40 })],
    ['no iat', () => proofFor({ iat: undefined })],
    ['no jti', () => proofFor({ jti: undefined })],
    ['another typ', () => proofFor({}, { typ: 'JWT' })],
    ['no jwk', () => proofFor({}, { jwk: undefined })],
    ['the jwk of another key', () => proofFor({}, { jwk: other.jwk })],
    ['a private key in its header', async () => proofFor({}, { jwk: await exportJWK(prover.privateKey) })],
    ['alg none', () => unsigned({ alg: 'none' })],
    ['a symmetric alg', () => unsigned({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } })],
    ['altered claims', altered],
    ['no JWT at all', () => 'proof'],
  ])('%s', async (_name, make) => {
    const answer = await signIn.exchange(code, {}, { dpop: await make() });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ error: 'invalid_dpop_proof', error_reason: 'unknown' });
  });

  it('two DPoP headers', async () => {
    // Not fetch, which would join them into one.
    const asked = request(tokenEndpoint, {
      method: 'POST',
      headers: {
        dpop: [await proofFor(), await proofFor()],
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    asked.end(`grant_type=authorization_code&client_id=${signIn.clientId}&code=${code}`);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const body = (await json(answer)) as Json;
    expect(body['error_description']).toContain('more than one DPoP header');
    expect(body['error']).toBe('invalid_dpop_proof');
  });

  it('a proof that was used before', async () => {
    const dpop = await proofFor();
    const send = (): Promise<Answer> => signIn.exchange('guess', {}, { dpop });
    expect((await send()).body['error_reason']).toBe('auth_code_not_found');
    expect((await send()).body['error']).toBe('invalid_dpop_proof');
  });
});

describe('dpop_jkt at the authorization request', () => {
  it('binds the code to the key', async () => {
    const signIn = await newSignIn();
    const code = await signIn.code({ dpop_jkt: prover.jkt });
    const stolen = await signIn.exchange(code, {}, { dpop: await other.proof('POST', tokenEndpoint) });
    const withoutProof = await signIn.exchange(code);
    const own = await signIn.exchange(code, {}, { dpop: await proofFor() });
    expect(stolen.body['error']).toBe('invalid_grant');
    expect(withoutProof.body['error']).toBe('invalid_grant');
    expect(own.body['token_type']).toBe('DPoP');
  });

  it('has to be a thumbprint', async () => {
    const visit = await (await newSignIn()).authorize({ dpop_jkt: 'short' });
    expect(visit.url.searchParams.get('error')).toBe('invalid_request');
  });
});

describe('a refresh', () => {
  it('takes the same key, and answers a token bound to it', async () => {
    const signIn = await newSignIn();
    const { refresh_token } = await boundTokens(signIn);
    const { body } = await signIn.refresh(refresh_token, {}, { dpop: await proofFor() });
    expect(body['token_type']).toBe('DPoP');
    expect(decode(body['access_token']).claims['cnf']).toEqual({ jkt: prover.jkt });
  });

  it('refuses a proof by another key, and none', async () => {
    const signIn = await newSignIn();
    const { refresh_token } = await boundTokens(signIn);
    const dpop = await other.proof('POST', tokenEndpoint);
    const byOther = await signIn.refresh(refresh_token, {}, { dpop });
    const withoutProof = await signIn.refresh(refresh_token);
    expect([byOther.status, byOther.body['error']]).toEqual([400, 'invalid_grant']);
    expect([withoutProof.status, withoutProof.body['error']]).toEqual([400, 'invalid_grant']);
  });

  it('of an unbound refresh token binds the access token to the proof', async () => {
    const signIn = await newSignIn();
    const { refresh_token } = await signIn.tokens();
    const bound = await signIn.refresh(refresh_token, {}, { dpop: await proofFor() });
    const unbound = await signIn.refresh(refresh_token);
    expect([bound.body['token_type'], unbound.body['token_type']]).toEqual(['DPoP', 'Bearer']);
  });
});

describe('userinfo', () => {
  const ask = async (authorization: string, dpop?: string): Promise<Answer> =>
    answerOf(
      await fetch(userinfoEndpoint, {
        headers: { authorization, ...(dpop === undefined ? {} : { dpop }) },
      }),
    );
  const proofTo = (token: unknown, by = prover): Promise<string> =>
    by.proof('GET', userinfoEndpoint, { ath: hashOf(token) });

  it('answers a bound token with its proof', async () => {
    const { access_token: token } = await boundTokens(await newSignIn());
    const answer = await ask(`DPoP ${String(token)}`, await proofTo(token));
    expect(answer.body['given_name']).toBe('Test');
  });

  it('refuses a bound token as bearer, without proof, with the proof of another key and with another ath', async () => {
    const { access_token } = await boundTokens(await newSignIn());
    const token = String(access_token);
    const asBearer = await ask(`Bearer ${token}`);
    const withoutProof = await ask(`DPoP ${token}`);
    const byOther = await ask(`DPoP ${token}`, await proofTo(token, other));
    const forOther = await ask(`DPoP ${token}`, await proofTo('another'));
    expect([asBearer, withoutProof, byOther, forOther].map(({ status }) => status)).toEqual([
      401, 401, 401, 401,
    ]);
    expect(asBearer.body['error']).toBe('invalid_token');
    expect(forOther.body['error']).toBe('invalid_dpop_proof');
    expect(forOther.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof".*algs="/u);
  });

  it('refuses an unbound token under the scheme DPoP', async () => {
    const { access_token: token } = await (await newSignIn()).tokens();
    expect((await ask(`DPoP ${String(token)}`, await proofTo(token))).status).toBe(401);
    expect((await ask(`Bearer ${String(token)}`)).status).toBe(200);
  });
});

describe('ending a sign-in', () => {
  const end = async (id: unknown, authorization: string, by?: Prover, at = emulator): Promise<Response> => {
    const url = `${at.url}/api/jwt/refresh/${String(id)}`;
    const proof = by && { dpop: await by.proof('DELETE', url, { ath: hashOf(authorization.split(' ')[1]) }) };
    return fetch(url, { method: 'DELETE', headers: { authorization, ...proof } });
  };

  it('takes a bound token with a proof of its key, and not as bearer token or with another’s', async () => {
    const signIn = await newSignIn();
    const {
      access_token: token,
      refresh_token: refreshToken,
      refresh_token_id: id,
    } = await boundTokens(signIn);
    for (const [scheme, by] of [['Bearer'], ['DPoP'], ['DPoP', other]] as [string, Prover?][]) {
      expect((await end(id, `${scheme} ${String(token)}`, by)).status).toBe(401);
    }
    const refresh = async (): Promise<number> =>
      (await signIn.refresh(String(refreshToken), {}, { dpop: await proofFor() })).status;
    expect(await refresh()).toBe(200);
    expect((await end(id, `DPoP ${String(token)}`, prover)).status).toBe(200);
    expect(await refresh()).toBe(400);
  });

  it('says what is wrong with a proof', async () => {
    const { access_token: token, refresh_token_id: id } = await boundTokens(await newSignIn());
    const dpop = await proofFor({ ath: hashOf(token) });
    const url = `${emulator.url}/api/jwt/refresh/${String(id)}`;
    const headers = { authorization: `DPoP ${String(token)}`, dpop };
    const refused = await fetch(url, { method: 'DELETE', headers });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof".*htm/u);
  });
});

describe('the switches', () => {
  const using = async (
    options: EmulatorOptions,
    work: (started: Emulator) => Promise<void>,
  ): Promise<void> => {
    const started = await startEmulator({ port: 0, ...options });
    try {
      await work(started);
    } finally {
      await started.close();
    }
  };

  it('announces its algorithms and the license', async () => {
    const { body } = await api(emulator, 'GET', '/api/reactor');
    expect((await configuration(emulator))['dpop_signing_alg_values_supported']).toContain('ES256');
    expect(body['status']).toMatchObject({ dPoP: 'ACTIVE' });
  });

  it('has no DPoP before 1.63: the header means nothing', () =>
    using({ fusionAuthVersion: '1.62.1' }, async (old) => {
      const signIn = await newSignIn(old);
      const answer = await signIn.exchange(await signIn.code(), { resource: undefined }, { dpop: 'proof' });
      expect(answer.body['token_type']).toBe('Bearer');
      expect(await configuration(old)).not.toHaveProperty('dpop_signing_alg_values_supported');
    }));

  it('has no DPoP without a license', () =>
    using({ licensed: false }, async (free) => {
      const clientId = await registerClient(free, { relationship: 'FirstParty' });
      const signIn = new SignIn(free, clientId);
      const code = await signIn.code({ scope: 'openid' });
      expect((await signIn.exchange(code, {}, { dpop: 'proof' })).body['token_type']).toBe('Bearer');
      expect(await configuration(free)).not.toHaveProperty('dpop_signing_alg_values_supported');
    }));

  it('asks for a nonce under --dpop-nonces, and takes the one it gave', () =>
    using({ dpopNonces: true }, async (strict) => {
      const signIn = await newSignIn(strict);
      const code = await signIn.code();
      const endpoint = `${strict.url}/oauth2/token`;
      const send = async (nonce?: string): Promise<Answer> =>
        signIn.exchange(code, {}, { dpop: await prover.proof('POST', endpoint, { nonce }) });
      const asked = await send();
      const guessed = await send('guess');
      const given = await send(asked.headers.get('dpop-nonce') ?? '');
      expect([asked.status, asked.body['error']]).toEqual([400, 'use_dpop_nonce']);
      expect(guessed.body['error']).toBe('use_dpop_nonce');
      expect(given.body['token_type']).toBe('DPoP');
    }));
});
