// The six traps of FusionAuth that decided Keyhole's design, each shown by the emulator.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import {
  answerOf,
  api,
  bearer,
  decode,
  member,
  redirectUri,
  registerClient,
  resource,
  SignIn,
} from '../support/client.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
});
afterAll(() => emulator.close());

describe('trap 1: token requests must repeat the resource', () => {
  it('refuses a code exchange that does not repeat it with invalid_target', async () => {
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const answer = await signIn.exchange(await signIn.code(), { resource: undefined });
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toBe('invalid_target');
  });

  it('burns the code in doing so', async () => {
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const code = await signIn.code();
    await signIn.exchange(code, { resource: undefined });
    const second = await signIn.exchange(code);
    expect(second.status).toBe(400);
    expect(second.body).toMatchObject({ error: 'invalid_request', error_reason: 'auth_code_not_found' });
  });

  it('refuses a resource that the authorization request did not have', async () => {
    const other = 'http://localhost:8000/other';
    const clientId = await registerClient(emulator, { authorizedResourceUris: [resource, other] });
    const signIn = new SignIn(emulator, clientId);
    const answer = await signIn.exchange(await signIn.code(), { resource: other });
    expect(answer.body['error']).toBe('invalid_target');
  });

  it('gives a token for the resource when it is repeated', async () => {
    const clientId = await registerClient(emulator);
    const { claims } = decode((await new SignIn(emulator, clientId).tokens())['access_token']);
    expect(claims['aud']).toEqual([clientId, resource]);
  });

  it('asks nothing of the kind where no resource was requested', async () => {
    const clientId = await registerClient(emulator);
    const signIn = new SignIn(emulator, clientId);
    const answer = await signIn.exchange(await signIn.code({ resource: undefined }), { resource: undefined });
    expect(answer.status).toBe(200);
    expect(decode(answer.body['access_token']).claims['aud']).toBe(clientId);
  });
});

describe('trap 2: public clients and refresh', () => {
  it('demands a secret of a refresh under NotRequiredWhenUsingPKCE', async () => {
    const clientId = await registerClient(emulator, {
      clientAuthenticationPolicy: 'NotRequiredWhenUsingPKCE',
    });
    const signIn = new SignIn(emulator, clientId);
    const tokens = await signIn.tokens();
    const answer = await signIn.refresh(tokens['refresh_token']);
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({
      error: 'invalid_client',
      error_reason: 'client_authentication_missing',
    });
  });

  it('refreshes with the secret under the same policy', async () => {
    const clientId = await registerClient(emulator, {
      clientAuthenticationPolicy: 'NotRequiredWhenUsingPKCE',
    });
    const signIn = new SignIn(emulator, clientId);
    const tokens = await signIn.tokens();
    const application = await api(emulator, 'GET', `/api/application/${clientId}`);
    const { clientSecret } = member(application.body, 'application', 'oauthConfiguration');
    const answer = await signIn.refresh(tokens['refresh_token'], { client_secret: String(clientSecret) });
    expect(answer.status).toBe(200);
  });

  it('refreshes without a secret under NotRequired', async () => {
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const tokens = await signIn.tokens();
    expect((await signIn.refresh(tokens['refresh_token'])).status).toBe(200);
  });

  it('issues no refresh token without the scope offline_access', async () => {
    const signIn = new SignIn(emulator, await registerClient(emulator));
    const tokens = await signIn.tokens({ scope: 'openid get_name' });
    expect(tokens).not.toHaveProperty('refresh_token');
    expect(tokens).not.toHaveProperty('refresh_token_id');
  });

  it('issues none without generateRefreshTokens either', async () => {
    const signIn = new SignIn(emulator, await registerClient(emulator, { generateRefreshTokens: false }));
    expect(await signIn.tokens()).not.toHaveProperty('refresh_token');
  });
});

describe('trap 3: no RFC 8414 document', () => {
  it('answers 404 where it would be', async () => {
    const response = await fetch(`${emulator.url}/.well-known/oauth-authorization-server`);
    expect(response.status).toBe(404);
  });

  it('serves the OpenID configuration, also below the tenant', async () => {
    const tenants = await api(emulator, 'GET', '/api/tenant');
    const [tenant] = tenants.body['tenants'] as { id: string }[];
    const plain = await answerOf(await fetch(`${emulator.url}/.well-known/openid-configuration`));
    const below = await answerOf(
      await fetch(`${emulator.url}/${tenant?.id ?? ''}/.well-known/openid-configuration`),
    );
    const unknown = await fetch(
      `${emulator.url}/00000000-0000-0000-0000-00000000dead/.well-known/openid-configuration`,
    );
    expect(plain.body).toMatchObject({
      issuer: emulator.url,
      token_endpoint: `${emulator.url}/oauth2/token`,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      scopes_supported: ['openid', 'offline_access'],
    });
    expect(plain.body).not.toHaveProperty('registration_endpoint');
    expect(plain.body).not.toHaveProperty('revocation_endpoint');
    expect(below.body).toEqual(plain.body);
    expect(unknown.status).toBe(404);
  });
});

describe('trap 4: the issuer is a free string, acme.com until somebody sets it', () => {
  it('names acme.com everywhere without a kickstart that patches it', async () => {
    const bare = await startEmulator({
      port: 0,
      kickstart: {
        apiKeys: [{ key: 'demo-key' }],
        requests: [
          {
            method: 'POST',
            url: '/api/user',
            body: { user: { email: 'test@example.com', password: 'password' } },
          },
        ],
      },
    });
    try {
      const metadata = await answerOf(await fetch(`${bare.url}/.well-known/openid-configuration`));
      const signIn = new SignIn(bare, await registerClient(bare));
      const page = await signIn.login(await signIn.authorize());
      const back = await signIn.allow(page);
      const tokens = await signIn.exchange(back.url.searchParams.get('code') ?? '');
      expect(metadata.body['issuer']).toBe('acme.com');
      expect(back.url.searchParams.get('iss')).toBe('acme.com');
      expect(decode(tokens.body['access_token']).claims['iss']).toBe('acme.com');
      expect(decode(tokens.body['id_token']).claims['iss']).toBe('acme.com');
    } finally {
      await bare.close();
    }
  });
});

describe('trap 5: /api/jwt/validate checks signature and expiry, nothing else', () => {
  it('passes any application’s token and answers its claims', async () => {
    const tokens = await new SignIn(emulator, await registerClient(emulator)).tokens({
      resource: undefined,
    });
    const answer = await bearer(emulator, '/api/jwt/validate', tokens['access_token']);
    expect(answer.status).toBe(200);
    expect(answer.body['jwt']).toEqual(decode(tokens['access_token']).claims);
  });

  it('refuses a token whose signature was changed, and one that is none', async () => {
    const tokens = await new SignIn(emulator, await registerClient(emulator)).tokens();
    const [header = '', , signature = ''] = String(tokens['access_token']).split('.');
    const forged = Buffer.from(JSON.stringify({ sub: 'someone', exp: 9_999_999_999 })).toString('base64url');
    expect((await bearer(emulator, '/api/jwt/validate', `${header}.${forged}.${signature}`)).status).toBe(
      401,
    );
    expect((await bearer(emulator, '/api/jwt/validate', 'nonsense')).status).toBe(401);
    expect((await fetch(`${emulator.url}/api/jwt/validate`)).status).toBe(401);
  });

  it('refuses an expired token', async () => {
    const short = await startEmulator({ port: 0 });
    try {
      const tenants = await api(short, 'GET', '/api/tenant');
      const [tenant] = tenants.body['tenants'] as { id: string }[];
      await api(short, 'PATCH', `/api/tenant/${tenant?.id ?? ''}`, {
        tenant: { jwtConfiguration: { timeToLiveInSeconds: 1 } },
      });
      const tokens = await new SignIn(short, await registerClient(short)).tokens();
      expect(tokens['expires_in']).toBe(1);
      const { exp } = decode(tokens['access_token']).claims;
      await expect
        .poll(async () => (await bearer(short, '/api/jwt/validate', tokens['access_token'])).status, {
          timeout: 5_000,
        })
        .toBe(401);
      expect(Date.now() / 1_000).toBeGreaterThanOrEqual(Number(exp));
    } finally {
      await short.close();
    }
  });

  it('has the client id first in aud, and no client_id, azp or resource claim', async () => {
    const clientId = await registerClient(emulator);
    const { header, claims } = decode((await new SignIn(emulator, clientId).tokens())['access_token']);
    expect((claims['aud'] as string[])[0]).toBe(clientId);
    for (const name of ['client_id', 'azp', 'resource']) expect(claims).not.toHaveProperty(name);
    expect(header).toMatchObject({ alg: 'RS256', typ: 'JWT', gty: ['authorization_code'] });
  });
});

describe('trap 6: signing', () => {
  it('publishes the RS256 keys by default', async () => {
    const { body } = await answerOf(await fetch(`${emulator.url}/.well-known/jwks.json`));
    const { header } = decode(
      (await new SignIn(emulator, await registerClient(emulator)).tokens())['access_token'],
    );
    const keys = body['keys'] as { kid: string; d?: string }[];
    expect(keys.map(({ kid }) => kid)).toContain(header['kid']);
    expect(keys.every(({ d }) => d === undefined)).toBe(true);
  });

  it('with HS256 publishes none, and signs the id_token with the client’s secret', async () => {
    const { createHmac } = await import('node:crypto');
    const hmac = await startEmulator({ port: 0, signing: 'HS256' });
    try {
      const clientId = await registerClient(hmac);
      const tokens = await new SignIn(hmac, clientId).tokens();
      const jwks = await answerOf(await fetch(`${hmac.url}/.well-known/jwks.json`));
      const application = await api(hmac, 'GET', `/api/application/${clientId}`);
      const { clientSecret } = member(application.body, 'application', 'oauthConfiguration');
      const [header, claims, signature] = String(tokens['id_token']).split('.');
      expect(jwks.status).toBe(200);
      expect(jwks.body).toEqual({ keys: [] });
      expect(decode(tokens['id_token']).header['alg']).toBe('HS256');
      expect(decode(tokens['access_token']).header['alg']).toBe('HS256');
      expect(
        createHmac('sha256', String(clientSecret))
          .update(`${header ?? ''}.${claims ?? ''}`)
          .digest('base64url'),
      ).toBe(signature);
      expect((await bearer(hmac, '/api/jwt/validate', tokens['access_token'])).status).toBe(200);
    } finally {
      await hmac.close();
    }
  });
});

describe('the other traps', () => {
  it('unlicensed, refuses third-party applications and custom scopes with 400', async () => {
    const unlicensed = await startEmulator({ port: 0, licensed: false });
    try {
      const thirdParty = await api(unlicensed, 'POST', '/api/application', {
        application: {
          name: 'Third',
          oauthConfiguration: { relationship: 'ThirdParty', authorizedRedirectURLs: [redirectUri] },
        },
      });
      const first = await api(unlicensed, 'POST', '/api/application', { application: { name: 'First' } });
      const id = String(member(first.body, 'application')['id']);
      const scope = await api(unlicensed, 'POST', `/api/application/${id}/scope`, {
        scope: { name: 'get_name' },
      });
      const reactor = await api(unlicensed, 'GET', '/api/reactor');
      expect(thirdParty.status).toBe(400);
      expect(Object.keys(member(thirdParty.body, 'fieldErrors'))).toEqual([
        'application.oauthConfiguration.relationship',
      ]);
      expect(first.status).toBe(200);
      expect(scope.status).toBe(400);
      expect(scope.body['generalErrors']).toMatchObject([{ code: '[notLicensed]' }]);
      expect(reactor.body['status']).toMatchObject({ licensed: false, advancedOAuthScopes: 'DISABLED' });
    } finally {
      await unlicensed.close();
    }
  });

  it('sends no CORS headers and has no dynamic registration', async () => {
    const response = await fetch(`${emulator.url}/.well-known/openid-configuration`, {
      headers: { origin: 'https://example.com' },
    });
    const registration = await fetch(`${emulator.url}/oauth2/register`, { method: 'POST', body: '{}' });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(registration.status).toBe(404);
  });
});
