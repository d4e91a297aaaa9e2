// RFC 7662, with FusionAuth's 401 for another client's token.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { answerOf, api, decode, registerClient, resource, SignIn, type Json } from '../support/client.ts';

let emulator: Emulator;
let signIn: SignIn;
let tokens: Json;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  signIn = new SignIn(emulator, await registerClient(emulator));
  tokens = await signIn.tokens();
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => emulator.close());

const introspect = async (form: Record<string, string>, headers: Record<string, string> = {}) =>
  answerOf(
    await fetch(`${emulator.url}/oauth2/introspect`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers,
    }),
  );
const own = (token: unknown) => introspect({ client_id: signIn.clientId, token: String(token) });
const secretOf = async (clientId: string) => {
  const { body } = await api(emulator, 'GET', `/api/application/${clientId}/oauth-configuration`);
  return String((body['oauthConfiguration'] as Json)['clientSecret']);
};
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

describe('introspection of an access token', () => {
  it('answers its claims beside active', async () => {
    const { status, body, headers } = await own(tokens['access_token']);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({ active: true, ...decode(tokens['access_token']).claims });
    expect(body['aud']).toEqual([signIn.clientId, resource]);
  });

  it('takes the secret by Basic or in the form, and refuses a wrong one', async () => {
    const secret = await secretOf(signIn.clientId);
    const token = String(tokens['access_token']);
    const right = await introspect({ token }, basic(signIn.clientId, secret));
    const inForm = await introspect({ token, client_id: signIn.clientId, client_secret: secret });
    const wrong = await introspect({ token }, basic(signIn.clientId, 'wrong'));
    expect([right.body['active'], inForm.body['active']]).toEqual([true, true]);
    expect([wrong.status, wrong.body['error_reason']]).toEqual([401, 'invalid_client_authentication']);
  });

  it('is refused with 401 for another client’s token', async () => {
    const other = await registerClient(emulator);
    const answer = await introspect({ client_id: other, token: String(tokens['access_token']) });
    expect([answer.status, answer.body['error_reason']]).toEqual([401, 'client_id_mismatch']);
    expect(answer.text).not.toContain('active');
  });

  it.each<[string, Record<string, string>, number, string]>([
    ['without a client', { token: 'x' }, 400, 'missing_client_id'],
    ['for an unknown client', { client_id: 'nobody', token: 'x' }, 401, 'invalid_client_id'],
    ['without a token', { client_id: 'own' }, 400, 'missing_token'],
    ['for another tenant', { client_id: 'own', token: 'x', tenantId: 'other' }, 400, 'invalid_tenant_id'],
  ])('is refused %s', async (_name, form, status, reason) => {
    const clientId = form['client_id'] === 'own' ? { client_id: signIn.clientId } : {};
    const answer = await introspect({ ...form, ...clientId });
    expect([answer.status, answer.body['error_reason']]).toEqual([status, reason]);
  });

  it('answers active false, and nothing else, for what is no token, was changed, or is a refresh token', async () => {
    const [header, , signature] = String(tokens['access_token']).split('.');
    const claims = Buffer.from(JSON.stringify({ aud: signIn.clientId })).toString('base64url');
    for (const token of ['x', [header, claims, signature].join('.'), tokens['refresh_token']]) {
      const { status, body } = await own(token);
      expect([status, body]).toEqual([200, { active: false }]);
    }
  });

  it('answers active false once the token has expired', async () => {
    const exp = Number(decode(tokens['access_token']).claims['exp']);
    vi.useFakeTimers({ toFake: ['Date'], now: (exp - 1) * 1_000 });
    const before = await own(tokens['access_token']);
    vi.setSystemTime(exp * 1_000);
    expect([before.body['active'], (await own(tokens['access_token'])).body]).toEqual([
      true,
      { active: false },
    ]);
  });

  it('stays active when its refresh token is revoked, and ends with the key that signed it', async () => {
    await api(emulator, 'POST', '/emulator/revoke-everything');
    const revoked = await own(tokens['access_token']);
    await api(emulator, 'POST', '/emulator/rotate-keys', { forget: true });
    expect((await signIn.refresh(tokens['refresh_token'])).status).toBe(400);
    expect(revoked.body['active']).toBe(true);
    expect((await own(tokens['access_token'])).body).toEqual({ active: false });
  });
});
