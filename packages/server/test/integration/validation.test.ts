import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bearer, callGetName, protectedServer, type ProtectedServer } from '../support/protected-server.ts';

const statusOf = async ({ endpoint }: ProtectedServer, token: string): Promise<number> =>
  (await callGetName(endpoint, bearer(token))).status;
const callsTo = ({ fusionAuth }: ProtectedServer, path: string): number =>
  fusionAuth.requests.filter((request) => request.path === path).length;
const keysPath = '/.well-known/jwks.json';
const apiPath = '/api/jwt/validate';
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function publishing(TOKEN_VALIDATION: string): Promise<ProtectedServer> {
  const running = await protectedServer({ env: { TOKEN_VALIDATION } });
  running.fusionAuth.publishes = true;
  return running;
}

describe.each(['auto', 'jwks'])('validation with published keys (%s)', (mode) => {
  it('accepts a good token without asking FusionAuth about it', async () => {
    await using running = await publishing(mode);
    expect(await statusOf(running, await running.fusionAuth.token())).toBe(200);
    expect([callsTo(running, keysPath), callsTo(running, apiPath)]).toEqual([1, 0]);
  });

  it.each([
    ['alg none', 'wrong-algorithm'],
    ['HS256 with the public key', 'wrong-algorithm'],
    ['an altered payload', 'wrong-signature'],
    ['another key', 'wrong-signature'],
  ])('refuses %s with 401, and the log says %s', async (attack, reason) => {
    await using running = await publishing(mode);
    const { fusionAuth } = running;
    const [header = '', payload = '', signature = ''] = (await fusionAuth.token()).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const hmacHeader = part({ alg: 'HS256', typ: 'JWT', kid: fusionAuth.keyId });
    const hmac = createHmac('sha256', await fusionAuth.publicKeyPem()).update(`${hmacHeader}.${payload}`);
    const tokens: Record<string, string> = {
      'alg none': `${part({ alg: 'none', typ: 'JWT', kid: fusionAuth.keyId })}.${payload}.${signature}`,
      'HS256 with the public key': `${hmacHeader}.${payload}.${hmac.digest('base64url')}`,
      'an altered payload': `${header}.${part({ ...claims, sub: 'root' })}.${signature}`,
      'another key': await fusionAuth.forgedToken(),
    };
    expect(await statusOf(running, `${header}.${payload}.${signature}`)).toBe(200);
    expect(await statusOf(running, tokens[attack] ?? '')).toBe(401);
    expect(running.entries('access token refused')).toMatchObject([{ reason }]);
    expect(callsTo(running, apiPath)).toBe(0);
  });

  it('asks for keys once, whatever keys strangers name', async () => {
    await using running = await publishing(mode);
    const { fusionAuth } = running;
    const tokens = await Promise.all(
      Array.from({ length: 30 }, async (_, index) =>
        fusionAuth.token({}, { header: { kid: `made-up-${index}` } }),
      ),
    );
    fusionAuth.validation = { status: 401 };
    for (const token of tokens) expect([401, 503]).toContain(await statusOf(running, token));
    expect(callsTo(running, keysPath)).toBe(1);
  });
});

describe('validation', () => {
  it('accepts tokens of a new key at once (auto), though the keys were read a moment ago', async () => {
    await using running = await publishing('auto');
    expect(await statusOf(running, await running.fusionAuth.token())).toBe(200);
    await running.fusionAuth.rotate('new-key');
    expect(await statusOf(running, await running.fusionAuth.token())).toBe(200);
  });

  it('of one token by many requests at once is one call, and of a known one none', async () => {
    await using running = await protectedServer();
    const token = await running.fusionAuth.token();
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => statusOf(running, token)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await statusOf(running, token)).toBe(200);
    expect(callsTo(running, apiPath)).toBe(1);
  });

  it('remembers a refused token, but not one that could not be checked', async () => {
    await using running = await protectedServer();
    const forged = await running.fusionAuth.forgedToken();
    for (let time = 0; time < 3; time += 1) expect(await statusOf(running, forged)).toBe(401);
    expect(callsTo(running, apiPath)).toBe(1);
    const token = await running.fusionAuth.token();
    running.fusionAuth.validation = { status: 500 };
    expect(await statusOf(running, token)).toBe(503);
    running.fusionAuth.validation = undefined;
    expect(await statusOf(running, token)).toBe(200);
  });

  it('lets known tokens pass while FusionAuth is down, and answers unknown ones with 503', async () => {
    await using running = await protectedServer({ env: { TOKEN_VALIDATION: 'api' } });
    const [known, unknown] = [await running.fusionAuth.token(), await running.fusionAuth.token()];
    expect(await statusOf(running, known)).toBe(200);
    await running.fusionAuth.close();
    expect(await statusOf(running, known)).toBe(200);
    const answer = await callGetName(running.endpoint, bearer(unknown));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  });

  it('by published keys alone refuses a shared secret without looking at them, and another key after a look', async () => {
    await using running = await publishing('jwks');
    const { fusionAuth } = running;
    const [, payload = ''] = (await fusionAuth.token()).split('.');
    const unsigned = `${part({ alg: 'HS256', typ: 'JWT', kid: 'secret' })}.${payload}`;
    const hmac = createHmac('sha256', 'any').update(unsigned).digest('base64url');
    expect(await statusOf(running, `${unsigned}.${hmac}`)).toBe(401);
    expect(callsTo(running, keysPath)).toBe(0);
    expect(await statusOf(running, await fusionAuth.token({}, { header: { kid: 'other' } }))).toBe(401);
    expect(running.entries('access token refused')).toMatchObject([
      { reason: 'wrong-algorithm' },
      { reason: 'unknown-key' },
    ]);
  });

  it('refuses another type', async () => {
    await using running = await publishing('auto');
    const token = await running.fusionAuth.token({}, { header: { typ: 'logout+jwt' } });
    expect(await statusOf(running, token)).toBe(401);
    expect(running.entries('access token refused')).toMatchObject([{ reason: 'wrong-type' }]);
  });
});
