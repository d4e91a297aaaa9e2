// The device grant with its page, and sessions that end with their user.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import {
  answerOf,
  api,
  bearer,
  decode,
  registerClient,
  SignIn,
  testUser,
  type Json,
} from '../support/client.ts';
import { FormBrowser, formOf } from '../support/form-browser.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
let emulator: Emulator;
let signIn: SignIn;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  const enabledGrants = ['authorization_code', 'refresh_token', grantType];
  signIn = new SignIn(emulator, await registerClient(emulator, { enabledGrants }));
});
afterAll(() => emulator.close());

const begin = async (clientId = signIn.clientId, scope = 'openid profile offline_access get_name') =>
  answerOf(
    await fetch(`${emulator.url}/oauth2/device_authorize`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: clientId, scope }),
    }),
  );
const poll = (device: Json) =>
  signIn.token({
    grant_type: grantType,
    client_id: signIn.clientId,
    device_code: String(device['device_code']),
  });
const credentials = { loginId: testUser.loginId, password: testUser.password };

describe('the device grant', () => {
  it('waits, and gives tokens once the user has allowed it, once', async () => {
    const device = (await begin()).body;
    const pending = await poll(device);
    const browser = new FormBrowser();
    const page = await browser.open(String(device['verification_uri_complete']));
    const connected = await browser.submit(page, { ...credentials, scope: [], decision: 'allow' });
    const tokens = await poll(device);
    const again = await poll(device);
    expect(device).toMatchObject({
      expires_in: 600,
      interval: 5,
      user_code: expect.stringMatching(/^[A-Z]{8}$/u) as string,
      verification_uri: `${emulator.url}/oauth2/device`,
    });
    expect([pending.status, pending.body['error']]).toEqual([400, 'authorization_pending']);
    expect(connected.text).toContain('Your device is connected');
    expect(tokens.status).toBe(200);
    // The optional scope was unticked.
    expect(tokens.body['scope']).toBe('openid offline_access get_name');
    expect(decode(tokens.body['access_token']).header['gty']).toEqual([grantType]);
    expect((await bearer(emulator, '/oauth2/userinfo', tokens.body['access_token'])).status).toBe(200);
    expect((await signIn.refresh(tokens.body['refresh_token'])).status).toBe(200);
    expect(again.body['error']).toBe('expired_token');
  });

  it('takes the code as people type it, and asks again after a wrong code or password', async () => {
    const device = (await begin()).body;
    const browser = new FormBrowser();
    const unknown = await browser.open(`${emulator.url}/oauth2/device?user_code=NOSUCHCODE`);
    const code = String(device['user_code']).toLowerCase();
    const typed = `${code.slice(0, 4)}-${code.slice(4)}`;
    const page = await browser.open(`${emulator.url}/oauth2/device?user_code=${typed}`);
    const wrong = await browser.submit(page, { ...credentials, password: 'wrong', decision: 'allow' });
    expect(unknown.text).toContain('not known');
    expect(formOf(unknown).inputs).toEqual(['user_code']);
    expect(wrong.text).toContain('Invalid login credentials.');
    expect((await poll(device)).body['error']).toBe('authorization_pending');
  });

  it('answers access_denied after Cancel', async () => {
    const device = (await begin()).body;
    const browser = new FormBrowser();
    const page = await browser.open(String(device['verification_uri_complete']));
    await browser.submit(page, { decision: 'cancel' });
    expect((await poll(device)).body['error']).toBe('access_denied');
  });

  it('refuses a form that is not its own, another client, and one without the grant', async () => {
    const device = (await begin()).body;
    const browser = new FormBrowser();
    const page = await browser.open(String(device['verification_uri_complete']));
    const forged = await browser.submit(page, { ...credentials, csrf: 'guess', decision: 'allow' });
    const other = await registerClient(emulator);
    expect(forged.status).toBe(403);
    expect((await begin(other)).body['error_reason']).toBe('grant_type_disabled');
    expect((await begin(signIn.clientId, 'openid unknown')).body['error']).toBe('invalid_scope');
    expect((await poll({ device_code: 'guess' })).body['error']).toBe('expired_token');
  });
});

describe('a user who is deactivated', () => {
  it('has no session left, not even after being reactivated', async () => {
    await signIn.code();
    expect((await signIn.authorize()).url.pathname).toMatch(/^\/oauth2\/consent\//u);
    await api(emulator, 'DELETE', `/api/user/${testUser.id}`);
    await api(emulator, 'PUT', `/api/user/${testUser.id}?reactivate=true`);
    expect((await signIn.authorize()).url.pathname).toMatch(/^\/oauth2\/login\//u);
  });
});
