// The end of the SSO session, and where the browser goes from there.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { answerOf, api, redirectUri, registerClient, SignIn, type Json } from '../support/client.ts';

const logoutURL = 'http://localhost:3334/bye';
let emulator: Emulator;
let withUrl: string;
let without: string;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  withUrl = await registerClient(emulator, { logoutURL });
  without = await registerClient(emulator);
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => emulator.close());

const logout = async (
  parameters: Record<string, string>,
  method: 'GET' | 'POST' = 'GET',
  from = emulator,
) => {
  const query = new URLSearchParams(parameters);
  const url = new URL(`/oauth2/logout${method === 'GET' ? `?${query.toString()}` : ''}`, from.url);
  const init = { redirect: 'manual', method, ...(method === 'GET' ? {} : { body: query }) } as const;
  const { status, headers, body } = await answerOf(await fetch(url, init));
  return { status, location: headers.get('location'), reason: body['error_reason'] };
};

describe('logout', () => {
  it.each(['GET', 'POST'] as const)(
    'by %s goes where the request, the application or the tenant says, else to /',
    async (method) => {
      const asked = await logout(
        { client_id: withUrl, post_logout_redirect_uri: redirectUri, state: 'x' },
        method,
      );
      const ofApplication = await logout({ client_id: withUrl, state: 'a b' }, method);
      const root = await logout({ client_id: without }, method);
      const [tenant] = (await api(emulator, 'GET', '/api/tenant')).body['tenants'] as Json[];
      const path = `/api/tenant/${String(tenant?.['id'])}`;
      await api(emulator, 'PATCH', path, { tenant: { logoutURL: 'http://localhost:3334/tenant' } });
      const ofTenant = [await logout({ client_id: without }, method), await logout({}, method)];
      await api(emulator, 'PATCH', path, { tenant: { logoutURL: null } });
      expect(asked).toEqual({ status: 302, location: `${redirectUri}?state=x`, reason: undefined });
      expect(ofApplication.location).toBe(`${logoutURL}?state=a+b`);
      expect(root.location).toBe(`${emulator.url}/`);
      expect(ofTenant.map(({ location }) => location)).toEqual(Array(2).fill('http://localhost:3334/tenant'));
    },
  );

  it('knows the application by an id_token, even one that has expired', async () => {
    const tokens = await new SignIn(emulator, withUrl).tokens();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7_200_000 });
    const hinted = await logout({ id_token_hint: String(tokens['id_token']) });
    expect([hinted.status, hinted.location]).toEqual([302, logoutURL]);
  });

  it('knows it by an id_token that is signed with the client’s secret (HS256)', async () => {
    const secret = await startEmulator({ port: 0, signing: 'HS256' });
    try {
      const tokens = await new SignIn(secret, await registerClient(secret, { logoutURL })).tokens();
      const hint = String(tokens['id_token']);
      const changed = `${hint.slice(0, -4)}AAAA`;
      expect((await logout({ id_token_hint: hint }, 'GET', secret)).location).toBe(logoutURL);
      expect((await logout({ id_token_hint: changed }, 'GET', secret)).reason).toBe('invalid_id_token_hint');
    } finally {
      await secret.close();
    }
  });

  it.each<[string, Record<string, string>, string]>([
    [
      'a redirect URI that is not the application’s',
      { post_logout_redirect_uri: 'https://evil.example/' },
      'invalid_post_logout_redirect_uri',
    ],
    ['an id_token that is none', { client_id: '', id_token_hint: 'x' }, 'invalid_id_token_hint'],
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client_id'],
    ['another tenant', { tenantId: 'other' }, 'invalid_tenant_id'],
    [
      'a redirect URI and nobody whose it could be',
      { client_id: '', post_logout_redirect_uri: redirectUri },
      'invalid_post_logout_redirect_uri',
    ],
  ])('is refused for %s, and the session goes on', async (_name, parameters, reason) => {
    const signIn = new SignIn(emulator, without);
    await signIn.code();
    const query = new URLSearchParams({ client_id: without, ...parameters });
    const visit = await signIn.browser.open(`${emulator.url}/oauth2/logout?${query.toString()}`);
    expect([visit.status, JSON.parse(visit.text)]).toMatchObject([400, { error_reason: reason }]);
    expect((await signIn.authorize()).url.pathname).toMatch(/^\/oauth2\/consent\//u);
  });
});
