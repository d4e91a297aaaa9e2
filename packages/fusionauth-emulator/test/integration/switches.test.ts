// Each switch makes one of the FusionAuth installations that a client may meet.
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator, type EmulatorOptions } from '@mcp-keyhole/fusionauth-emulator';
import {
  answerOf,
  api,
  decode,
  member,
  redirectUri,
  registerClient,
  SignIn,
  type Json,
} from '../support/client.ts';

const running: Emulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((emulator) => emulator.close()));
});

async function start(options: EmulatorOptions): Promise<Emulator> {
  const emulator = await startEmulator({ port: 0, ...options });
  running.push(emulator);
  return emulator;
}

const configuration = async ({ url }: Emulator): Promise<Json> =>
  (await answerOf(await fetch(`${url}/.well-known/openid-configuration`))).body;
const keys = async ({ url }: Emulator): Promise<unknown[]> =>
  (await answerOf(await fetch(`${url}/.well-known/jwks.json`))).body['keys'] as unknown[];
const tenantPath = async (emulator: Emulator): Promise<string> => {
  const { body } = await api(emulator, 'GET', '/api/tenant');
  return `/api/tenant/${String((body['tenants'] as Json[])[0]?.['id'])}`;
};
const firstParty = { relationship: 'FirstParty', authorizedResourceUris: ['http://localhost:8000/mcp'] };

describe('the switch for trap 1, versions before 1.67 without resource', () => {
  it('has no authorizedResourceUris, ignores resource, and names its version', async () => {
    const emulator = await start({ fusionAuthVersion: '1.66.0' });
    const clientId = await registerClient(emulator);
    const { body } = await api(emulator, 'GET', `/api/application/${clientId}`);
    const signIn = new SignIn(emulator, clientId);
    const answer = await signIn.exchange(await signIn.code(), { resource: undefined });
    const version = await api(emulator, 'GET', '/api/system/version');
    expect(member(body, 'application', 'oauthConfiguration')).not.toHaveProperty('authorizedResourceUris');
    expect(decode(answer.body['access_token']).claims['aud']).toBe(clientId);
    expect(version.body).toEqual({ version: '1.66.0' });
  });

  it('has both from 1.67 on', async () => {
    const emulator = await start({ fusionAuthVersion: '1.67.0' });
    const clientId = await registerClient(emulator);
    const tokens = await new SignIn(emulator, clientId).tokens();
    expect(decode(tokens['access_token']).claims['aud']).toEqual([clientId, 'http://localhost:8000/mcp']);
  });
});

describe('the switch for versions before 1.69 without iss', () => {
  it('has no iss in success or error, and does not announce it', async () => {
    const emulator = await start({ fusionAuthVersion: '1.68.4' });
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const back = await signIn.allow(await signIn.login(await signIn.authorize()));
    const refused = await signIn.authorize({ scope: 'openid unknown' });
    expect([...back.url.searchParams.keys()]).toEqual(['code', 'locale', 'state', 'userState']);
    expect(refused.url.searchParams.get('error')).toBe('invalid_scope');
    expect(refused.url.searchParams.has('iss')).toBe(false);
    expect(await configuration(emulator)).not.toHaveProperty(
      'authorization_response_iss_parameter_supported',
    );
  });
});

describe('the switch for trap 2, refresh tokens and public clients', () => {
  it('gives applications that name no policy NotRequiredWhenUsingPKCE, under which none refreshes', async () => {
    const emulator = await start({ clientAuthentication: 'NotRequiredWhenUsingPKCE' });
    const clientId = await registerClient(emulator, { clientAuthenticationPolicy: undefined });
    const signIn = new SignIn(emulator, clientId);
    const refresh = await signIn.refresh((await signIn.tokens())['refresh_token']);
    expect(refresh.status).toBe(401);
    expect(refresh.body['error_reason']).toBe('client_authentication_missing');
  });

  it('makes refresh tokens OneTimeUse, with a grace period', async () => {
    const emulator = await start({ refreshUsage: 'OneTimeUse', refreshGrace: 60 });
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const first = (await signIn.tokens())['refresh_token'];
    const second = (await signIn.refresh(first)).body['refresh_token'];
    const again = await signIn.refresh(first);
    expect(second).not.toBe(first);
    expect(again.body['refresh_token']).toBe(second);
  });

  it('makes them OneTimeUse without grace, so that a used one is gone', async () => {
    const emulator = await start({ refreshUsage: 'OneTimeUse' });
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const first = (await signIn.tokens())['refresh_token'];
    await signIn.refresh(first);
    expect((await signIn.refresh(first)).body['error_reason']).toBe('refresh_token_not_found');
  });
});

describe('the switch for trap 4, the issuer that nobody set', () => {
  it('overrides what the kickstart sets, until the API changes it', async () => {
    const emulator = await start({ issuer: 'acme.com' });
    const before = (await configuration(emulator))['issuer'];
    await api(emulator, 'PATCH', await tenantPath(emulator), { tenant: { issuer: emulator.url } });
    expect(before).toBe('acme.com');
    expect((await configuration(emulator))['issuer']).toBe(emulator.url);
  });
});

describe('the switches for trap 6, signing', () => {
  it('HS256 signs with secrets and publishes no key, until a key pair is generated and named', async () => {
    const emulator = await start({ signing: 'HS256' });
    const clientId = await registerClient(emulator);
    const before = await new SignIn(emulator, clientId).tokens();
    const published = await keys(emulator);
    const created = await api(emulator, 'POST', '/api/key/generate', {
      key: { name: 'New', algorithm: 'RS256', length: 2048 },
    });
    const keyId = String(member(created.body, 'key')['id']);
    await api(emulator, 'PATCH', await tenantPath(emulator), {
      tenant: { jwtConfiguration: { accessTokenKeyId: keyId, idTokenKeyId: keyId } },
    });
    const after = await new SignIn(emulator, clientId).tokens();
    const jwks = createRemoteJWKSet(new URL(`${emulator.url}/.well-known/jwks.json`));
    expect(decode(before['access_token']).header['alg']).toBe('HS256');
    expect(decode(before['id_token']).header['alg']).toBe('HS256');
    expect(published).toEqual([]);
    expect((await jwtVerify(String(after['access_token']), jwks)).protectedHeader.alg).toBe('RS256');
    expect((await jwtVerify(String(after['id_token']), jwks)).protectedHeader.alg).toBe('RS256');
  });

  it('an empty JWKS publishes nothing while tokens are RS256', async () => {
    const emulator = await start({ emptyJwks: true });
    const tokens = await new SignIn(emulator, await registerClient(emulator)).tokens();
    expect(await keys(emulator)).toEqual([]);
    expect(decode(tokens['access_token']).header['alg']).toBe('RS256');
  });
});

describe('the switch for a missing license', () => {
  it('refuses third-party applications and custom scopes, and lets the rest work', async () => {
    const emulator = await start({ licensed: false });
    const thirdParty = await api(emulator, 'POST', '/api/application', {
      application: {
        name: 'Third',
        oauthConfiguration: { relationship: 'ThirdParty', authorizedRedirectURLs: [redirectUri] },
      },
    });
    const activated = await api(emulator, 'POST', '/api/reactor', { licenseId: 'a' });
    const clientId = await registerClient(emulator, firstParty);
    const tokens = await new SignIn(emulator, clientId).tokens({ scope: 'openid offline_access' });
    expect([thirdParty.status, activated.status]).toEqual([400, 400]);
    expect(tokens['scope']).toBe('openid offline_access');
  });
});
