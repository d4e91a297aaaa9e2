// The calls by which somebody builds a device page of their own: validate, user-code and approve.
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import {
  answerOf,
  api,
  registerClient,
  SignIn,
  testUser,
  type Answer,
  type Json,
} from '../support/client.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
const settings = { enabledGrants: ['authorization_code', 'refresh_token', grantType] };
let emulator: Emulator;
let clientId: string;
let other: string;
let signIn: SignIn;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  clientId = await registerClient(emulator, settings);
  other = await registerClient(emulator, settings);
  signIn = new SignIn(emulator, clientId);
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => emulator.close());

type Form = Record<string, string>;

const post = async (path: string, form: Form, headers: Form = {}) =>
  answerOf(await fetch(emulator.url + path, { method: 'POST', body: new URLSearchParams(form), headers }));
const begin = async (id = clientId, scope = 'openid profile offline_access get_name') => {
  const { body } = await post('/oauth2/device_authorize', { client_id: id, scope });
  return { deviceCode: String(body['device_code']), userCode: String(body['user_code']) };
};
const poll = (deviceCode: string) =>
  signIn.token({ grant_type: grantType, client_id: clientId, device_code: deviceCode });
const validate = async (query: Form) =>
  answerOf(await fetch(`${emulator.url}/oauth2/device/validate?${new URLSearchParams(query).toString()}`));
const userCode = (form: Form, headers?: Form) => post('/oauth2/device/user-code', form, headers);
const approve = (form: Form, headers?: Form) => post('/oauth2/device/approve', form, headers);
const accessToken = async (scope = 'openid profile get_name', client = signIn) =>
  String((await client.tokens({ scope, resource: undefined }))['access_token']);
const outcome = ({ status, body }: Answer) => [status, body['error_reason']];

describe('a user code', () => {
  it('is validated for its client, without a body', async () => {
    const { userCode: code } = await begin();
    const answer = await validate({ client_id: clientId, user_code: code.toLowerCase() });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });

  it('is described to its client and to an API key, without the scopes that only the device asks for', async () => {
    const { userCode: code } = await begin();
    const byClient = await userCode({ client_id: clientId, user_code: code });
    const byKey = await userCode({ user_code: code }, { authorization: emulator.apiKey ?? '' });
    const [tenant] = (await api(emulator, 'GET', '/api/tenant')).body['tenants'] as Json[];
    expect(byClient.body).toEqual({
      client_id: clientId,
      expires_in: expect.toSatisfy((left: number) => left > 590 && left <= 600) as number,
      scope: 'profile get_name',
      tenantId: tenant?.['id'],
      user_code: code,
    });
    expect(byKey.body).toMatchObject({ client_id: clientId, scope: 'profile get_name' });
  });

  it('is approved with an access token, and the device gets what the user consented to', async () => {
    const { deviceCode, userCode: code } = await begin();
    const token = await accessToken('openid get_name');
    const pending = await poll(deviceCode);
    const approved = await approve({ client_id: clientId, user_code: code, token });
    const tokens = await poll(deviceCode);
    expect(pending.body['error']).toBe('authorization_pending');
    expect(approved.body).toMatchObject({ deviceGrantStatus: 'Approved', userId: testUser.id });
    // The profile was asked for by the device, and not consented to.
    expect(tokens.body['scope']).toBe('openid offline_access get_name');
    expect(outcome(await validate({ client_id: clientId, user_code: code }))).toEqual([
      400,
      'invalid_user_code',
    ]);
  });

  it('of a first-party application needs no consent to be approved', async () => {
    const first = await registerClient(emulator, { ...settings, relationship: 'FirstParty' });
    const { deviceCode, userCode: code } = await begin(first, 'openid profile');
    const token = await accessToken();
    const approved = await approve({ client_id: first, user_code: code, token });
    const tokens = await signIn.token({ grant_type: grantType, client_id: first, device_code: deviceCode });
    expect([approved.status, tokens.body['scope']]).toEqual([200, 'openid profile']);
  });

  it('is refused once it has expired, by every call', async () => {
    const { deviceCode, userCode: code } = await begin();
    const token = await accessToken();
    const form = { client_id: clientId, user_code: code };
    const now = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: now + 598_000 });
    const before = await validate(form);
    vi.setSystemTime(now + 601_000);
    expect(before.status).toBe(200);
    for (const answer of [await validate(form), await userCode(form), await approve({ ...form, token })]) {
      expect(outcome(answer)).toEqual([400, 'user_code_expired']);
      expect(answer.body['error']).toBe('expired_token');
    }
    expect((await poll(deviceCode)).body['error']).toBe('expired_token');
  });

  it('is refused to another client, by every call, and when it is none', async () => {
    const { userCode: code } = await begin();
    const token = await accessToken();
    for (const form of [
      { client_id: other, user_code: code },
      { client_id: clientId, user_code: 'NOSUCHCODE' },
    ]) {
      expect(outcome(await validate(form))).toEqual([400, 'invalid_user_code']);
      expect(outcome(await userCode(form))).toEqual([400, 'invalid_user_code']);
      expect(outcome(await approve({ ...form, token }))).toEqual([400, 'invalid_user_code']);
    }
    expect((await validate({ client_id: clientId, user_code: code })).status).toBe(200);
  });
});

describe('what is missing or wrong is named', () => {
  it('by validate', async () => {
    const { userCode: code } = await begin();
    expect(outcome(await validate({ user_code: code }))).toEqual([400, 'missing_client_id']);
    expect(outcome(await validate({ client_id: clientId }))).toEqual([400, 'missing_user_code']);
    expect(outcome(await validate({ client_id: 'nobody', user_code: code }))).toEqual([
      400,
      'invalid_client_id',
    ]);
    expect(outcome(await validate({ client_id: clientId, user_code: code, tenantId: 'other' }))).toEqual([
      400,
      'invalid_tenant_id',
    ]);
  });

  it('by user-code and approve, where the client has to prove itself', async () => {
    const required = await registerClient(emulator, { ...settings, clientAuthenticationPolicy: 'Required' });
    const form = { client_id: required, user_code: 'ABCDEFGH', token: 'x' };
    const wrongKey = { authorization: 'wrong' };
    for (const call of [userCode, approve]) {
      expect(outcome(await call({ user_code: 'ABCDEFGH' }))).toEqual([400, 'missing_client_id']);
      expect(outcome(await call(form))).toEqual([401, 'client_authentication_missing']);
      expect(outcome(await call({ ...form, client_secret: 'wrong' }))).toEqual([
        401,
        'invalid_client_authentication',
      ]);
      expect(outcome(await call(form, wrongKey))).toEqual([401, 'invalid_client_authentication_scheme']);
    }
    const { userCode: code } = await begin();
    // An API key describes codes; it approves none.
    const byKey = await approve(
      { user_code: code, token: await accessToken() },
      { authorization: emulator.apiKey ?? '' },
    );
    expect(outcome(byKey)).toEqual([400, 'missing_client_id']);
  });

  it('by approve: the token, its user, and consent that it does not show', async () => {
    const { deviceCode, userCode: code } = await begin();
    const form = { client_id: clientId, user_code: code };
    const created = await api(emulator, 'POST', '/api/user', {
      user: { email: 'gone@example.com', password: 'password' },
    });
    const gone = new SignIn(emulator, clientId);
    await gone.login(await gone.authorize(), { loginId: 'gone@example.com', password: 'password' });
    const ofTheGone = await accessToken('openid get_name', gone);
    await api(emulator, 'DELETE', `/api/user/${String((created.body['user'] as Json)['id'])}`);
    const elsewhere = await accessToken('openid get_name', new SignIn(emulator, other));

    expect(outcome(await approve(form))).toEqual([400, 'missing_token']);
    expect(outcome(await approve({ ...form, token: 'x' }))).toEqual([400, 'access_token_invalid']);
    expect(outcome(await approve({ ...form, token: ofTheGone }))).toEqual([400, 'user_not_found']);
    // Neither a token without the scope nor one that another application was given is the user's consent to this one.
    for (const token of [await accessToken('openid'), elsewhere]) {
      expect(outcome(await approve({ ...form, token }))).toEqual([400, 'missing_required_scope']);
    }
    expect((await poll(deviceCode)).body['error']).toBe('authorization_pending');
  });
});
