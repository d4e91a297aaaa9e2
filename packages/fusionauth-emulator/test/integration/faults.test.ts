// Faults on purpose, by an admin call.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { api, bearer, decode, registerClient, SignIn, type Json } from '../support/client.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
});
afterEach(() => api(emulator, 'DELETE', '/emulator/faults'));
afterAll(() => emulator.close());

const set = (body: Json) => api(emulator, 'PUT', '/emulator/faults', body);
const status = (path = '/api/status'): Promise<number> =>
  fetch(`${emulator.url}${path}`).then((response) => response.status);

describe('faults', () => {
  it('answer a status, on the paths named, as often as asked', async () => {
    const answer = await set({
      faults: [{ kind: 'status', status: 503, retryAfter: 7, path: '/api/status', times: 2 }],
    });
    const first = await fetch(`${emulator.url}/api/status`);
    expect(answer.status).toBe(200);
    expect([first.status, first.headers.get('retry-after')]).toEqual([503, '7']);
    expect([await status(), await status(), await status('/api/health')]).toEqual([503, 200, 200]);
  });

  it('answer late', async () => {
    await set({ faults: [{ kind: 'slow', milliseconds: 300, method: 'get' }] });
    const before = performance.now();
    expect(await status()).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(290);
  });

  it('close the connection unanswered', async () => {
    await set({ faults: [{ kind: 'refuse', path: '/oauth2/token' }] });
    await expect(fetch(`${emulator.url}/oauth2/token`, { method: 'POST' })).rejects.toThrow('fetch failed');
    expect(await status()).toBe(200);
  });

  it('put the clock off, in tokens, in their checking and in the Date header', async () => {
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const before = await signIn.tokens();
    await set({ clockShiftSeconds: 7_200 });
    const after = await signIn.tokens();
    const iat = Number(decode(after['access_token']).claims['iat']);
    const { headers } = await fetch(`${emulator.url}/api/status`);
    expect(iat - Date.now() / 1_000).toBeGreaterThan(7_100);
    expect((await bearer(emulator, '/api/jwt/validate', before['access_token'])).status).toBe(401);
    expect((await bearer(emulator, '/api/jwt/validate', after['access_token'])).status).toBe(200);
    expect(Date.parse(headers.get('date') ?? '') - Date.now()).toBeGreaterThan(7_100_000);
  });

  it('are listed and removed, and befall the call that removes them never', async () => {
    await set({ faults: [{ kind: 'refuse' }] });
    const listed = await api(emulator, 'GET', '/emulator/faults');
    const removed = await api(emulator, 'DELETE', '/emulator/faults');
    expect(listed.body).toMatchObject({ faults: [{ kind: 'refuse' }], clockShiftSeconds: 0 });
    expect(removed.body).toEqual({ faults: [], clockShiftSeconds: 0 });
    expect(await status()).toBe(200);
  });

  it.each([
    [{ faults: {} }, 'faults'],
    [{ faults: [{}] }, 'faults[0].kind'],
    [{ faults: [{ kind: 'status', status: 200 }] }, 'faults[0].status'],
    [{ faults: [{ kind: 'status', status: 600 }] }, 'faults[0].status'],
    [{ clockShiftSeconds: 'late' }, 'clockShiftSeconds'],
  ])('refuse %j, naming the member', async (body, field) => {
    const answer = await set(body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body['fieldErrors'] as Json)).toEqual([field]);
  });

  it('need an API key', async () => {
    expect((await api(emulator, 'GET', '/emulator/faults', undefined, '')).status).toBe(401);
  });
});

describe('what can be brought about', () => {
  it('is the end of every session and refresh token', async () => {
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const tokens = await signIn.tokens();
    const answer = await api(emulator, 'POST', '/emulator/revoke-everything');
    expect(answer.status).toBe(200);
    expect((await signIn.refresh(tokens['refresh_token'])).status).toBe(400);
    expect((await signIn.authorize()).url.pathname).toMatch(/^\/oauth2\/login\//u);
  });

  it('is a change of signing keys, after which old tokens still validate, or not when they are forgotten', async () => {
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const validates = async (tokens: Json): Promise<number> =>
      (await bearer(emulator, '/api/jwt/validate', tokens['access_token'])).status;
    const first = await signIn.tokens();
    await api(emulator, 'POST', '/emulator/rotate-keys');
    const second = await signIn.tokens();
    const kept = await validates(first);
    await api(emulator, 'POST', '/emulator/rotate-keys', { forget: true });
    const third = await signIn.tokens();
    const kids = [first, second, third].map((tokens) => decode(tokens['access_token']).header['kid']);
    expect(new Set(kids).size).toBe(3);
    expect([kept, await validates(second), await validates(third)]).toEqual([200, 401, 200]);
  });
});
