import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import {
  api,
  bearer,
  decode,
  member,
  newVerifier,
  registerClient,
  resource,
  SignIn,
  type Changes,
  type Json,
} from '../support/client.ts';

let emulator: Emulator;
let tenantPath: string;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
  const tenants = await api(emulator, 'GET', '/api/tenant');
  tenantPath = `/api/tenant/${String((tenants.body['tenants'] as Json[])[0]?.['id'])}`;
});
afterAll(() => emulator.close());

const configureTokens = (jwtConfiguration: Json) =>
  api(emulator, 'PATCH', tenantPath, { tenant: { jwtConfiguration } });
const newSignIn = async (settings: Json = {}): Promise<SignIn> =>
  new SignIn(emulator, await registerClient(emulator, settings));

describe('a code exchange', () => {
  it('answers in FusionAuth’s shape', async () => {
    const signIn = await newSignIn();
    const answer = await signIn.exchange(await signIn.code({ nonce: 'the-nonce' }));
    expect(Object.keys(answer.body)).toEqual([
      'access_token',
      'expires_in',
      'id_token',
      'refresh_token',
      'refresh_token_id',
      'scope',
      'token_type',
      'userId',
    ]);
    expect(answer.body).toMatchObject({ expires_in: 3_600, token_type: 'Bearer' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(decode(answer.body['id_token']).claims).toMatchObject({
      aud: signIn.clientId,
      nonce: 'the-nonce',
    });
    expect(decode(answer.body['access_token']).claims).toMatchObject({
      authenticationType: 'PASSWORD',
      iss: emulator.url,
      scope: 'openid profile offline_access get_name',
    });
  });

  it('has no id_token without openid', async () => {
    expect(await (await newSignIn()).tokens({ scope: 'get_name' })).not.toHaveProperty('id_token');
  });

  it('takes a code once, and revokes what came of it when it is used again', async () => {
    const signIn = await newSignIn();
    const code = await signIn.code();
    const first = await signIn.exchange(code);
    const second = await signIn.exchange(code);
    const refresh = await signIn.refresh(first.body['refresh_token']);
    expect(first.status).toBe(200);
    expect(second.body).toMatchObject({ error: 'invalid_request', error_reason: 'auth_code_not_found' });
    expect(refresh.body['error']).toBe('invalid_grant');
  });

  it.each<[string, Changes, string]>([
    ['another verifier', { code_verifier: newVerifier() }, 'invalid_pkce_code_verifier'],
    ['no verifier', { code_verifier: undefined }, 'missing_code_verifier'],
    ['another redirect URI', { redirect_uri: 'http://localhost:3334/callback' }, 'invalid_redirect_uri'],
    ['no redirect URI', { redirect_uri: undefined }, 'missing_redirect_uri'],
    ['no code', { code: undefined }, 'missing_code'],
    ['an unknown code', { code: 'guess' }, 'auth_code_not_found'],
    ['no grant type', { grant_type: undefined }, 'missing_grant_type'],
    ['an unknown grant type', { grant_type: 'magic' }, 'invalid_grant_type'],
    ['no client', { client_id: undefined }, 'missing_client_id'],
  ])('is refused with %s', async (_name, changes, reason) => {
    const signIn = await newSignIn();
    const answer = await signIn.exchange(await signIn.code(), changes);
    expect(answer.status).toBe(400);
    expect(answer.body['error_reason']).toBe(reason);
  });

  it('is refused with another client’s code', async () => {
    const signIn = await newSignIn();
    const other = await newSignIn();
    const answer = await signIn.exchange(await signIn.code(), { client_id: other.clientId });
    expect(answer.body['error_reason']).toBe('auth_code_not_found');
  });

  it('is refused for a body that is not a form', async () => {
    const response = await fetch(`${emulator.url}/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'authorization_code' }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });
});

describe('client authentication', () => {
  it('takes the secret by Basic or in the form where it is required, and refuses a wrong one', async () => {
    const signIn = await newSignIn({ clientAuthenticationPolicy: 'Required' });
    const application = await api(emulator, 'GET', `/api/application/${signIn.clientId}`);
    const secret = String(member(application.body, 'application', 'oauthConfiguration')['clientSecret']);
    const basic = { authorization: `Basic ${btoa(`${signIn.clientId}:${secret}`)}` };
    const without = await signIn.exchange(await signIn.code());
    const wrong = await signIn.exchange(await signIn.code(), { client_secret: 'wrong' });
    const inForm = await signIn.exchange(await signIn.code(), { client_secret: secret });
    const inHeader = await signIn.exchange(await signIn.code(), { client_id: undefined }, basic);
    expect([without.status, wrong.status, inForm.status, inHeader.status]).toEqual([401, 401, 200, 200]);
    expect(without.body['error_reason']).toBe('client_authentication_missing');
    expect(wrong.body['error_reason']).toBe('invalid_client_authentication');
  });

  it('answers an unknown client with 401', async () => {
    const signIn = await newSignIn();
    const answer = await signIn.exchange('x', { client_id: '00000000-0000-0000-0000-00000000dead' });
    expect(answer.status).toBe(401);
    expect(answer.body['error']).toBe('invalid_client');
  });
});

describe('a refresh under the policy Reusable', () => {
  it('gives a new access token and neither refresh_token nor scope', async () => {
    const signIn = await newSignIn();
    const tokens = await signIn.tokens();
    const answer = await signIn.refresh(tokens['refresh_token']);
    const again = await signIn.refresh(tokens['refresh_token']);
    expect(Object.keys(answer.body)).toEqual([
      'access_token',
      'expires_in',
      'id_token',
      'refresh_token_id',
      'token_type',
      'userId',
    ]);
    const { header, claims } = decode(answer.body['access_token']);
    expect(header['gty']).toEqual(['authorization_code', 'refresh_token']);
    expect(claims['aud']).toEqual([signIn.clientId, resource]);
    expect(claims['authenticationType']).toBe('REFRESH_TOKEN');
    expect(again.status).toBe(200);
  });

  it('narrows scopes and never widens them', async () => {
    const signIn = await newSignIn();
    const tokens = await signIn.tokens({ scope: 'openid offline_access get_name' });
    const narrowed = await signIn.refresh(tokens['refresh_token'], { scope: 'openid' });
    const widened = await signIn.refresh(tokens['refresh_token'], { scope: 'openid profile' });
    const full = await signIn.refresh(tokens['refresh_token']);
    expect(decode(narrowed.body['access_token']).claims['scope']).toBe('openid');
    expect(widened.body).toMatchObject({ error: 'invalid_scope', error_reason: 'unknown_scope' });
    expect(decode(full.body['access_token']).claims['scope']).toBe('openid offline_access get_name');
  });

  it('takes the same resource again and refuses another', async () => {
    const signIn = await newSignIn();
    const tokens = await signIn.tokens();
    expect((await signIn.refresh(tokens['refresh_token'], { resource })).status).toBe(200);
    const other = await signIn.refresh(tokens['refresh_token'], { resource: 'https://other.example/' });
    expect(other.body['error']).toBe('invalid_target');
  });

  it('is refused for another client, an unknown token, and without the grant', async () => {
    const signIn = await newSignIn();
    const tokens = await signIn.tokens();
    const other = await newSignIn();
    const withoutGrant = await newSignIn({ enabledGrants: ['authorization_code'] });
    expect((await other.refresh(tokens['refresh_token'])).body).toMatchObject({
      error: 'invalid_grant',
      error_reason: 'refresh_token_not_found',
    });
    expect((await signIn.refresh('guess')).body['error']).toBe('invalid_grant');
    expect((await withoutGrant.refresh('guess')).body['error_reason']).toBe('grant_type_disabled');
    expect(await withoutGrant.tokens()).not.toHaveProperty('refresh_token');
  });

  it('is refused once the user is deactivated', async () => {
    const signIn = await newSignIn();
    const created = await api(emulator, 'POST', '/api/user', {
      user: { email: 'leaver@example.com', password: 'password' },
    });
    const back = await signIn.allow(
      await signIn.login(await signIn.authorize(), { loginId: 'leaver@example.com', password: 'password' }),
    );
    const tokens = await signIn.exchange(back.url.searchParams.get('code') ?? '');
    await api(emulator, 'DELETE', `/api/user/${String(member(created.body, 'user')['id'])}`);
    expect((await signIn.refresh(tokens.body['refresh_token'])).status).toBe(400);
    expect((await bearer(emulator, '/oauth2/userinfo', tokens.body['access_token'])).status).toBe(401);
  });
});

describe('a refresh under the policy OneTimeUse', () => {
  afterEach(async () => {
    await configureTokens({
      refreshTokenUsagePolicy: 'Reusable',
      refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 0 },
      refreshTokenRevocationPolicy: { onOneTimeTokenReuse: false },
    });
  });

  it('gives a new refresh token and refuses the used one', async () => {
    await configureTokens({ refreshTokenUsagePolicy: 'OneTimeUse' });
    const signIn = await newSignIn();
    const first = (await signIn.tokens())['refresh_token'];
    const answer = await signIn.refresh(first);
    const second = answer.body['refresh_token'];
    expect(second).toEqual(expect.any(String));
    expect(second).not.toBe(first);
    expect((await signIn.refresh(first)).body['error_reason']).toBe('refresh_token_not_found');
    expect((await signIn.refresh(second)).status).toBe(200);
  });

  it('answers the current one within the grace period', async () => {
    await configureTokens({
      refreshTokenUsagePolicy: 'OneTimeUse',
      refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 60 },
    });
    const signIn = await newSignIn();
    const first = (await signIn.tokens())['refresh_token'];
    const second = (await signIn.refresh(first)).body['refresh_token'];
    const again = await signIn.refresh(first);
    expect(again.status).toBe(200);
    expect(again.body['refresh_token']).toBe(second);
  });

  it('ends the successor too where reuse revokes', async () => {
    await configureTokens({
      refreshTokenUsagePolicy: 'OneTimeUse',
      refreshTokenRevocationPolicy: { onOneTimeTokenReuse: true },
    });
    const signIn = await newSignIn();
    const first = (await signIn.tokens())['refresh_token'];
    const second = (await signIn.refresh(first)).body['refresh_token'];
    expect((await signIn.refresh(first)).status).toBe(400);
    expect((await signIn.refresh(second)).status).toBe(400);
  });
});

describe('revocation', () => {
  it('works by token with the owner’s access token', async () => {
    const signIn = await newSignIn();
    const tokens = await signIn.tokens();
    const path = `/api/jwt/refresh?token=${String(tokens['refresh_token'])}`;
    const answer = await bearer(emulator, path, tokens['access_token'], { method: 'DELETE' });
    expect(answer.status).toBe(200);
    expect((await signIn.refresh(tokens['refresh_token'])).status).toBe(400);
  });

  it('works by id, by user and by application with an API key', async () => {
    const signIn = await newSignIn();
    const paths = [
      (tokens: Json) => `/api/jwt/refresh/${String(tokens['refresh_token_id'])}`,
      (tokens: Json) =>
        `/api/jwt/refresh?userId=${String(tokens['userId'])}&applicationId=${signIn.clientId}`,
      () => `/api/jwt/refresh?applicationId=${signIn.clientId}`,
    ];
    for (const path of paths) {
      const tokens = await signIn.tokens();
      expect((await api(emulator, 'DELETE', path(tokens))).status).toBe(200);
      expect((await signIn.refresh(tokens['refresh_token'])).status).toBe(400);
    }
  });

  it('is refused to another user, and to nobody in particular', async () => {
    const signIn = await newSignIn();
    const tokens = await signIn.tokens();
    const admin = new SignIn(emulator, signIn.clientId);
    const back = await admin.allow(
      await admin.login(await admin.authorize(), { loginId: 'admin@example.com', password: 'password' }),
    );
    const others = await admin.exchange(back.url.searchParams.get('code') ?? '');
    const path = `/api/jwt/refresh?token=${String(tokens['refresh_token'])}`;
    const byOther = await bearer(emulator, path, others.body['access_token'], { method: 'DELETE' });
    const byNobody = await fetch(`${emulator.url}${path}`, { method: 'DELETE' });
    expect(byOther.status).toBe(404);
    expect(byNobody.status).toBe(401);
    expect((await signIn.refresh(tokens['refresh_token'])).status).toBe(200);
  });
});

describe('userinfo', () => {
  it('answers what the scopes allow, by GET and by POST', async () => {
    const signIn = await newSignIn();
    const all = await signIn.tokens({ scope: 'openid profile email get_name' });
    const few = await signIn.tokens({ scope: 'openid get_name' });
    const get = await bearer(emulator, '/oauth2/userinfo', all['access_token']);
    const post = await bearer(emulator, '/oauth2/userinfo', all['access_token'], { method: 'POST' });
    const bare = await bearer(emulator, '/oauth2/userinfo', few['access_token']);
    expect(get.body).toEqual({
      sub: '00000000-0000-0000-0000-000000000001',
      given_name: 'Test',
      family_name: 'User',
      name: 'Test User',
      preferred_username: 'testuser',
      email: 'test@example.com',
      email_verified: true,
    });
    expect(post.body).toEqual(get.body);
    expect(bare.body).toEqual({ sub: '00000000-0000-0000-0000-000000000001' });
  });

  it('is refused without openid, without a token, and for a deactivated application', async () => {
    const signIn = await newSignIn();
    const without = await signIn.tokens({ scope: 'get_name' });
    const tokens = await signIn.tokens();
    expect((await bearer(emulator, '/oauth2/userinfo', without['access_token'])).status).toBe(401);
    expect((await bearer(emulator, '/oauth2/userinfo', tokens['access_token'])).status).toBe(200);
    await api(emulator, 'DELETE', `/api/application/${signIn.clientId}`);
    expect((await bearer(emulator, '/oauth2/userinfo', tokens['access_token'])).status).toBe(401);
    expect((await fetch(`${emulator.url}/oauth2/userinfo`)).status).toBe(401);
  });
});
