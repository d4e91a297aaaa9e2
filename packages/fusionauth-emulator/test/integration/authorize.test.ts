import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { api, decode, redirectUri, registerClient, SignIn, type Changes } from '../support/client.ts';
import { FormBrowser, formOf } from '../support/form-browser.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
});
afterAll(() => emulator.close());

const newSignIn = async (settings = {}, scope = { required: true }): Promise<SignIn> =>
  new SignIn(emulator, await registerClient(emulator, settings, scope));

describe('a sign-in', () => {
  it('goes through login and consent and answers in FusionAuth’s order of parameters', async () => {
    const signIn = await newSignIn();
    const login = await signIn.authorize();
    expect(formOf(login).inputs).toEqual(['loginId', 'password', 'rememberDevice']);
    const consent = await signIn.login(login);
    const back = await signIn.allow(consent);
    expect(back.left).toBe(true);
    expect(`${back.url.origin}${back.url.pathname}`).toBe(redirectUri);
    expect([...back.url.searchParams.keys()]).toEqual(['code', 'iss', 'locale', 'state', 'userState']);
    expect(Object.fromEntries(back.url.searchParams)).toMatchObject({
      iss: emulator.url,
      locale: 'en',
      state: 'the-state',
      userState: 'AuthenticatedNotRegistered',
    });
  });

  it('says Authenticated for a registered user, and puts applicationId and roles into the token', async () => {
    const signIn = await newSignIn();
    await api(emulator, 'POST', '/api/user/registration/00000000-0000-0000-0000-000000000001', {
      registration: { applicationId: signIn.clientId },
    });
    const back = await signIn.allow(await signIn.login(await signIn.authorize()));
    const tokens = await signIn.exchange(back.url.searchParams.get('code') ?? '');
    expect(back.url.searchParams.get('userState')).toBe('Authenticated');
    expect(decode(tokens.body['access_token']).claims).toMatchObject({
      applicationId: signIn.clientId,
      roles: [],
    });
  });

  it('keeps asking after a wrong password or an unknown user, with the same words', async () => {
    const signIn = await newSignIn();
    const login = await signIn.authorize();
    const wrong = await signIn.login(login, { loginId: 'test@example.com', password: 'wrong' });
    const unknown = await signIn.login(wrong, { loginId: 'nobody@example.com', password: 'password' });
    for (const page of [wrong, unknown]) {
      expect(page.status).toBe(200);
      expect(page.text).toContain('Invalid login credentials.');
    }
    expect((await signIn.login(unknown)).text).toContain('access?');
  });

  it('accepts the username as login id, and fills in login_hint', async () => {
    const signIn = await newSignIn();
    const login = await signIn.authorize({ login_hint: 'testuser' });
    expect(formOf(login).fields.get('loginId')).toBe('testuser');
    const consent = await signIn.login(login, { loginId: 'testuser', password: 'password' });
    expect(consent.url.pathname).toMatch(/^\/oauth2\/consent\//u);
  });

  it('needs no second login in the same browser (SSO), but a consent each time', async () => {
    const signIn = await newSignIn();
    await signIn.code();
    const other = new SignIn(emulator, await registerClient(emulator), signIn.browser);
    const visit = await other.authorize();
    expect(visit.url.pathname).toMatch(/^\/oauth2\/consent\//u);
  });

  it('asks again after /oauth2/logout, while the refresh token lives on', async () => {
    const signIn = await newSignIn();
    const tokens = await signIn.tokens();
    await signIn.browser.open(`${emulator.url}/oauth2/logout?client_id=${signIn.clientId}`);
    expect((await signIn.authorize()).url.pathname).toMatch(/^\/oauth2\/login\//u);
    expect((await signIn.refresh(tokens['refresh_token'])).status).toBe(200);
  });

  it('lets another user sign in where one is signed in', async () => {
    const signIn = await newSignIn();
    await signIn.code();
    const login = await signIn.authorize({ prompt: 'login' });
    const consent = await signIn.login(login, { loginId: 'admin@example.com', password: 'password' });
    expect(consent.text).toContain('Admin User');
    const back = await signIn.allow(consent);
    const tokens = await signIn.exchange(back.url.searchParams.get('code') ?? '');
    expect(tokens.body['userId']).toBe('00000000-0000-0000-0000-000000000002');
  });
});

describe('the consent page', () => {
  it('names the application, the resource and the scopes; required ones have no checkbox', async () => {
    const signIn = await newSignIn();
    const page = await signIn.login(await signIn.authorize());
    expect(page.text).toContain('http://localhost:8000/mcp');
    expect(page.text).toContain('Read your name');
    expect(formOf(page).fields.getAll('scope')).toEqual(['profile']);
  });

  it('grants the required scopes and the ticked ones, not the others', async () => {
    const signIn = await newSignIn();
    const page = await signIn.login(await signIn.authorize());
    const back = await signIn.allow(page, []);
    const tokens = await signIn.exchange(back.url.searchParams.get('code') ?? '');
    expect(tokens.body['scope']).toBe('openid offline_access get_name');
    expect(decode(tokens.body['access_token']).claims['scope']).toBe('openid offline_access get_name');
  });

  it('offers an optional custom scope as a checkbox', async () => {
    const signIn = await newSignIn({}, { required: false });
    const page = await signIn.login(await signIn.authorize());
    expect(formOf(page).fields.getAll('scope')).toEqual(['profile', 'get_name']);
  });

  it('cannot be tricked into a scope that was not asked for', async () => {
    const signIn = await newSignIn();
    const page = await signIn.login(await signIn.authorize({ scope: 'openid get_name' }));
    const back = await signIn.allow(page, ['email', 'profile']);
    const tokens = await signIn.exchange(back.url.searchParams.get('code') ?? '');
    expect(tokens.body['scope']).toBe('openid get_name');
  });

  it('answers Cancel with consent_canceled', async () => {
    const signIn = await newSignIn();
    const page = await signIn.login(await signIn.authorize());
    const back = await signIn.browser.submit(page, { decision: 'cancel' });
    expect([...back.url.searchParams.keys()]).toEqual([
      'error',
      'error_reason',
      'error_description',
      'iss',
      'state',
    ]);
    expect(Object.fromEntries(back.url.searchParams)).toMatchObject({
      error: 'access_denied',
      error_reason: 'consent_canceled',
      state: 'the-state',
    });
  });

  it('is not shown for FirstParty applications, nor under NeverPrompt', async () => {
    for (const settings of [{ relationship: 'FirstParty' }, { consentMode: 'NeverPrompt' }]) {
      const signIn = await newSignIn(settings);
      const back = await signIn.login(await signIn.authorize());
      expect(back.url.searchParams.get('code')).not.toBeNull();
    }
  });

  it('is shown once under RememberDecision, until another scope is asked for', async () => {
    const signIn = await newSignIn({ consentMode: 'RememberDecision' });
    await signIn.code();
    expect((await signIn.authorize()).url.searchParams.get('code')).not.toBeNull();
    expect((await signIn.authorize({ prompt: 'consent' })).url.pathname).toMatch(/^\/oauth2\/consent\//u);
    const more = await signIn.authorize({ scope: 'openid email get_name' });
    expect(more.url.pathname).toMatch(/^\/oauth2\/consent\//u);
  });
});

describe('prompt', () => {
  it('none answers login_required without a session and consent_required with one', async () => {
    const signIn = await newSignIn();
    const before = await signIn.authorize({ prompt: 'none' });
    await signIn.code();
    const after = await signIn.authorize({ prompt: 'none' });
    expect(before.url.searchParams.get('error')).toBe('login_required');
    expect(after.url.searchParams.get('error')).toBe('consent_required');
  });

  it('none gives a code where nothing needs to be asked', async () => {
    const signIn = await newSignIn({ consentMode: 'RememberDecision' });
    await signIn.code();
    expect((await signIn.authorize({ prompt: 'none' })).url.searchParams.get('code')).not.toBeNull();
  });

  it('login shows the login page in spite of a session', async () => {
    const signIn = await newSignIn();
    await signIn.code();
    expect((await signIn.authorize({ prompt: 'login' })).url.pathname).toMatch(/^\/oauth2\/login\//u);
  });
});

describe('max_age', () => {
  it('asks for the password again once the session is older, and at once when it is 0', async () => {
    const signIn = await newSignIn();
    await signIn.code();
    const pathOf = async (age: string): Promise<string> =>
      (await signIn.authorize({ max_age: age })).url.pathname;
    const young = await pathOf('600');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 601_000 });
    const old = await pathOf('600');
    vi.useRealTimers();
    expect(young).toMatch(/^\/oauth2\/consent\//u);
    expect(old).toMatch(/^\/oauth2\/login\//u);
    expect(await pathOf('0')).toMatch(/^\/oauth2\/login\//u);
  });
});

describe('a request that must not be redirected', () => {
  it.each<[string, Changes, string]>([
    ['an unknown client', { client_id: '00000000-0000-0000-0000-00000000dead' }, 'invalid_client_id'],
    ['no client', { client_id: undefined }, 'missing_client_id'],
    ['no redirect URI', { redirect_uri: undefined }, 'missing_redirect_uri'],
    ['another port', { redirect_uri: 'http://localhost:3335/oauth/callback' }, 'invalid_redirect_uri'],
    ['another host name', { redirect_uri: 'http://127.0.0.1:3334/oauth/callback' }, 'invalid_redirect_uri'],
    ['a slash more', { redirect_uri: `${redirectUri}/` }, 'invalid_redirect_uri'],
  ])('is answered with a page: %s', async (_name, changes, reason) => {
    const visit = await (await newSignIn()).authorize(changes);
    expect(visit.left).toBe(false);
    expect(visit.status).toBe(400);
    expect(visit.headers.get('content-type')).toMatch(/^text\/html/u);
    expect(visit.text).toContain(`&quot;error_reason&quot;: &quot;${reason}&quot;`);
  });

  it('is answered with a page for a deactivated application', async () => {
    const signIn = await newSignIn();
    await api(emulator, 'DELETE', `/api/application/${signIn.clientId}`);
    expect((await signIn.authorize()).text).toContain('invalid_client_id');
  });
});

describe('a request that is redirected with an error', () => {
  it.each<[string, Changes, string, string]>([
    [
      'another response type',
      { response_type: 'token' },
      'unsupported_response_type',
      'invalid_response_type',
    ],
    ['no response type', { response_type: undefined }, 'invalid_request', 'missing_response_type'],
    ['no PKCE', { code_challenge: undefined }, 'invalid_request', 'missing_code_challenge'],
    [
      'plain PKCE',
      { code_challenge_method: 'plain' },
      'invalid_request',
      'invalid_pkce_code_challenge_method',
    ],
    [
      'no PKCE method',
      { code_challenge_method: undefined },
      'invalid_request',
      'invalid_pkce_code_challenge_method',
    ],
    [
      'a challenge that is none',
      { code_challenge: 'short' },
      'invalid_request',
      'invalid_pkce_code_challenge',
    ],
    ['an unknown scope', { scope: 'openid delete_everything' }, 'invalid_scope', 'unknown_scope'],
    ['a resource of somebody else', { resource: 'https://other.example/mcp' }, 'invalid_target', 'unknown'],
    [
      'one resource too many',
      { resource: ['http://localhost:8000/mcp', 'https://other.example/'] },
      'invalid_target',
      'unknown',
    ],
    ['a relative resource', { resource: '/mcp' }, 'invalid_target', 'unknown'],
    ['an unknown prompt', { prompt: 'select_account' }, 'invalid_request', 'invalid_prompt'],
    ['prompt none with another', { prompt: 'none login' }, 'invalid_request', 'invalid_prompt'],
    [
      'an unknown response mode',
      { response_mode: 'web_message' },
      'invalid_request',
      'invalid_response_mode',
    ],
    ['a parameter twice', { nonce: ['one', 'two'] }, 'invalid_request', 'unknown'],
  ])('%s', async (_name, changes, error, reason) => {
    const visit = await (await newSignIn()).authorize(changes);
    expect(visit.left).toBe(true);
    expect(Object.fromEntries(visit.url.searchParams)).toMatchObject({
      error,
      error_reason: reason,
      iss: emulator.url,
      state: 'the-state',
    });
  });

  it('names a grant that is not enabled', async () => {
    const visit = await (await newSignIn({ enabledGrants: ['refresh_token'] })).authorize();
    expect(visit.url.searchParams.get('error_reason')).toBe('grant_type_disabled');
  });
});

describe('the application’s settings', () => {
  it('ignores resource where no resources are authorized', async () => {
    const signIn = await newSignIn({ authorizedResourceUris: [] });
    const tokens = await signIn.tokens({ resource: 'https://anything.example/' });
    expect(decode(tokens['access_token']).claims['aud']).toBe(signIn.clientId);
  });

  it('drops unknown scopes under unknownScopePolicy Remove', async () => {
    const signIn = await newSignIn({ unknownScopePolicy: 'Remove' });
    const tokens = await signIn.tokens({ scope: 'openid what_is_this get_name' });
    expect(tokens['scope']).toBe('openid get_name');
  });

  it('matches wildcards only under AllowWildcards, and only within a label or segment', async () => {
    const signIn = await newSignIn({
      authorizedRedirectURLs: ['https://*.example.com/callback'],
      authorizedURLValidationPolicy: 'AllowWildcards',
    });
    const good = await signIn.authorize({ redirect_uri: 'https://one.example.com/callback', prompt: 'none' });
    const bad = await signIn.authorize({ redirect_uri: 'https://evil.example/x.example.com/callback' });
    expect(good.left).toBe(true);
    expect(bad.status).toBe(400);
  });

  it('delivers by fragment and by form on request', async () => {
    const signIn = await newSignIn();
    await signIn.code();
    const fragment = await signIn.allow(await signIn.authorize({ response_mode: 'fragment' }));
    const form = await signIn.allow(await signIn.authorize({ response_mode: 'form_post' }));
    expect(new URLSearchParams(fragment.url.hash.slice(1)).get('code')).not.toBeNull();
    expect(fragment.url.search).toBe('');
    expect(formOf(form).action.href).toBe(redirectUri);
    expect(formOf(form).fields.get('state')).toBe('the-state');
  });

  it('keeps users out who are not registered under requireRegistration', async () => {
    const signIn = await newSignIn({ requireRegistration: true });
    const page = await signIn.login(await signIn.authorize());
    expect(page.text).toContain('You are not registered for');
    await api(emulator, 'POST', '/api/user/registration/00000000-0000-0000-0000-000000000001', {
      registration: { applicationId: signIn.clientId },
    });
    expect((await signIn.login(page)).url.pathname).toMatch(/^\/oauth2\/consent\//u);
  });
});

describe('the forms', () => {
  it('refuse a post without their own value', async () => {
    const signIn = await newSignIn();
    const login = await signIn.authorize();
    const visit = await signIn.browser.submit(login, {
      csrf: 'guess',
      loginId: 'test@example.com',
      password: 'password',
    });
    expect(visit.status).toBe(403);
  });

  it('refuse a post from a browser that did not open them', async () => {
    const signIn = await newSignIn();
    const login = await signIn.authorize();
    const visit = await new FormBrowser().submit(login, {
      loginId: 'test@example.com',
      password: 'password',
    });
    expect(visit.status).toBe(400);
    expect(visit.text).toContain('expired');
  });

  it('load nothing, run nothing, are not framed and not cached', async () => {
    const { headers } = await (await newSignIn()).authorize();
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self' http://localhost:3334");
    expect(policy).not.toContain('unsafe-inline');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('show a hostile application name as text, without control characters', async () => {
    const clientId = await registerClient(emulator);
    await api(emulator, 'PATCH', `/api/application/${clientId}`, {
      application: { name: '<script>alert(1)</script>\u202Eevil\u0007' },
    });
    const page = await new SignIn(emulator, clientId).authorize();
    expect(page.text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;evil<');
    expect(page.text).not.toContain('<script');
  });
});
