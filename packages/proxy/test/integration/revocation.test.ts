import { describe, expect, it } from 'vitest';
import { authorize, endSignIn, type AuthorizationContext } from '../../src/authorization/authorize.ts';
import { scene } from '../support/authorization-scene.ts';
import { clientId, type Behaviour } from '../support/authorization-server.ts';
import type { Client } from '../support/client-register.ts';
import { loopbackServer, sendJson } from '../support/loopback-server.ts';

/** A sign-in that is to be ended. */
async function signedIn(
  behaviour: Behaviour,
  settings: Partial<AuthorizationContext['config']> = {},
  known?: Client,
) {
  const { provider, context } = await scene(behaviour, {}, settings);
  if (known !== undefined) provider.clients.add(known);
  const tokens = await authorize({}, undefined, context);
  return { provider, tokens, end: (changed = tokens) => endSignIn(changed, context) };
}

const dynamic = { registers: true };
const itself = { client: undefined };

describe('ending a sign-in', () => {
  it('revokes refresh and access token where RFC 7009 has an endpoint', async () => {
    const { provider, tokens, end } = await signedIn({ revokes: 'RFC 7009' });
    expect(await end()).toEqual([{ done: true, how: 'revoked at the authorization server (RFC 7009)' }]);
    const forms = provider.requestsTo('/revoke').map(({ body }) => new URLSearchParams(body));
    expect(forms.map((form) => Object.fromEntries(form))).toEqual([
      { token: tokens.refreshToken, token_type_hint: 'refresh_token', client_id: clientId },
      { token: tokens.accessToken, token_type_hint: 'access_token', client_id: clientId },
    ]);
    expect(provider.tokens.refreshTokens).toEqual([]);
    expect(provider.tokens.scopeOf(tokens.accessToken)).toBeUndefined();
  });

  it('revokes the access token alone where there is no refresh token', async () => {
    const { provider, end } = await signedIn({ revokes: 'RFC 7009', withoutRefreshTokens: true });
    expect(await end()).toMatchObject([{ done: true }]);
    expect(provider.requestsTo('/revoke')).toHaveLength(1);
  });

  it('says that the access token lasts where the server revokes none of those', async () => {
    const { provider, tokens, end } = await signedIn({});
    const revoking = await loopbackServer(({ body }, response) => {
      if (body.includes('refresh_token')) sendJson(response, 200, {});
      else sendJson(response, 400, { error: 'unsupported_token_type' });
    });
    provider.behaviour = {
      metadata: (correct) => ({ ...correct, revocation_endpoint: `${revoking.url}/revoke` }),
    };
    expect(await end()).toEqual([
      { done: true, how: 'refresh token revoked (RFC 7009); the access token lasts until it ends' },
    ]);
    // The twin: nothing at all was revoked.
    expect(await end({ ...tokens, refreshToken: undefined })).toEqual([
      { done: false, why: 'the authorization server answered unsupported_token_type (HTTP 400)' },
    ]);
  });

  it.each([
    [400, 'the authorization server answered server_error (HTTP 400)'],
    [503, 'the authorization server answered HTTP 503'],
  ])('says that it did not work when the endpoint answers %i', async (status, why) => {
    const { provider, end } = await signedIn({ revokes: 'RFC 7009', refusesToEnd: status });
    expect(await end()).toEqual([{ done: false, why }]);
    expect(provider.tokens.refreshTokens).toHaveLength(1);
  });

  it('deletes FusionAuth’s refresh token by its id, as its owner and without naming it', async () => {
    const { provider, tokens, end } = await signedIn({ revokes: 'FusionAuth' });
    expect(await end()).toEqual([
      { done: true, how: 'refresh token revoked at FusionAuth; the access token lasts until it ends' },
    ]);
    const deletion = provider.requests.at(-1);
    expect(deletion).toMatchObject({
      method: 'DELETE',
      path: `/api/jwt/refresh/${tokens.refreshTokenId ?? ''}`,
      headers: { authorization: `Bearer ${tokens.accessToken}` },
    });
    expect(deletion?.path).not.toContain(tokens.refreshToken);
    expect(provider.tokens.refreshTokens).toEqual([]);
  });

  it.each(['FusionAuth', 'FusionAuth, by bearer tokens'] as const)(
    'proves the key of a bound token to %s, and leaves it at the token where no proof is known',
    async (revokes) => {
      const { provider, tokens, end } = await signedIn({ revokes, dpop: {} }, { dpop: 'always' });
      expect(tokens.tokenType).toBe('DPoP');
      expect(await end()).toMatchObject([{ done: true }]);
      const asked = provider.requests.filter(({ method }) => method === 'DELETE');
      const by = asked.map(({ headers }) => [headers.authorization?.split(' ')[0], 'dpop' in headers]);
      const proven = ['DPoP', true];
      expect(by).toEqual(revokes === 'FusionAuth' ? [proven] : [proven, ['Bearer', false]]);
      expect(provider.tokens.refreshTokens).toEqual([]);
    },
  );

  it('needs no proof where RFC 7009 has an endpoint', async () => {
    const { provider, end } = await signedIn({ revokes: 'RFC 7009', dpop: {} }, { dpop: 'always' });
    expect(await end()).toMatchObject([{ done: true }]);
    expect(provider.requestsTo('/revoke').some(({ headers }) => 'dpop' in headers)).toBe(false);
    expect(provider.tokens.refreshTokens).toEqual([]);
  });

  it.each([{}, { dpop: {} }, { rotates: true }])(
    'gets a new access token where the old one has ended, to delete FusionAuth’s refresh token: %j',
    async (behaviour) => {
      const settings = 'dpop' in behaviour ? { dpop: 'always' as const } : {};
      const { provider, end } = await signedIn({ revokes: 'FusionAuth', ...behaviour }, settings);
      provider.expireAccessTokens();
      expect(await end()).toEqual([
        { done: true, how: 'refresh token revoked at FusionAuth; the access token lasts until it ends' },
      ]);
      expect(provider.tokens.refreshTokens).toEqual([]);
    },
  );

  it('says that there was nothing left to end at FusionAuth', async () => {
    const { provider, end } = await signedIn({ revokes: 'FusionAuth' });
    provider.expireAccessTokens();
    provider.revokeRefreshTokens();
    const how = 'the sign-in had ended at the authorization server';
    expect(await end()).toEqual([{ done: true, how }]);
  });

  it('says that it did not work when FusionAuth refuses, and when no new token is to be had', async () => {
    const { provider, tokens, end } = await signedIn({ revokes: 'FusionAuth' });
    provider.behaviour = { revokes: 'FusionAuth', refusesToEnd: 403 };
    expect(await end()).toEqual([{ done: false, why: 'FusionAuth answered with HTTP 403' }]);
    provider.behaviour = { revokes: 'FusionAuth' };
    provider.expireAccessTokens();
    expect(await end({ ...tokens, refreshToken: undefined })).toMatchObject([{ done: false }]);
    provider.behaviour = { revokes: 'FusionAuth', token: () => ({ status: 503, content: {} }) };
    expect(await end()).toMatchObject([{ done: false, why: expect.stringContaining('503') as string }]);
    expect(provider.tokens.refreshTokens).toHaveLength(1);
  });

  it('says that it did not work where the server has no way', async () => {
    const { end } = await signedIn({});
    expect(await end()).toEqual([
      { done: false, why: 'the authorization server has no way to revoke tokens' },
    ]);
  });

  it('says that it did not work when the server cannot be reached, or has changed hands', async () => {
    const { provider, end } = await signedIn({ revokes: 'RFC 7009' });
    provider.behaviour = { metadata: (correct) => ({ ...correct, issuer: 'https://evil.example.com' }) };
    expect(await end()).toMatchObject([{ done: false, why: expect.stringContaining('evil') as string }]);
    expect(provider.requestsTo('/revoke')).toEqual([]);
    await provider.close();
    expect(await end()).toMatchObject([
      { done: false, why: expect.stringContaining('cannot be reached') as string },
    ]);
  });

  it('authenticates as the client does', async () => {
    const client = { clientId: 'confidential', clientSecret: 'secret-1' };
    const known: Client = { id: 'confidential', secret: 'secret-1', authentication: 'client_secret_basic' };
    const { provider, end } = await signedIn({ revokes: 'RFC 7009' }, { client }, known);
    expect(await end()).toMatchObject([{ done: true }]);
    expect(provider.requestsTo('/revoke')[0]?.headers.authorization).toMatch(/^Basic /u);
  });
});

describe('ending a sign-in of a client that registered itself', () => {
  it('deletes the registration too (RFC 7592)', async () => {
    const { provider, tokens, end } = await signedIn({ ...dynamic, revokes: 'RFC 7009' }, itself);
    expect(await end()).toEqual([
      { done: true, how: 'revoked at the authorization server (RFC 7009)' },
      { done: true, how: 'client registration deleted (RFC 7592)' },
    ]);
    const id = tokens.client?.clientId ?? '';
    expect(provider.requests.at(-1)).toMatchObject({ method: 'DELETE', path: `/register/${id}` });
    expect(provider.clients.find(id)).toBeUndefined();
  });

  it('deletes it also where no new access token is to be had for the revocation', async () => {
    const { provider, end } = await signedIn({ ...dynamic, revokes: 'FusionAuth' }, itself);
    provider.behaviour = { ...dynamic, revokes: 'FusionAuth', token: () => ({ status: 503, content: {} }) };
    provider.expireAccessTokens();
    expect(await end()).toMatchObject([{ done: false }, { done: true }]);
  });

  it('deletes it where tokens cannot be revoked, and says which of these worked', async () => {
    const { end } = await signedIn(dynamic, itself);
    expect(await end()).toMatchObject([{ done: false }, { done: true }]);
  });

  it('says that it was not deleted, and why', async () => {
    const { provider, tokens, end } = await signedIn({ ...dynamic, revokes: 'RFC 7009' }, itself);
    provider.behaviour = { ...provider.behaviour, refusesToEnd: 403 };
    expect((await end())[1]).toEqual({ done: false, why: 'deleting the client registration: HTTP 403' });
    expect(provider.clients.find(tokens.client?.clientId ?? '')).toBeDefined();
    const { client } = tokens;
    const registration = client?.registration ?? expect.unreachable();
    const elsewhere = { ...registration, clientUri: 'http://login.example.com/register/1' };
    const outcomes = await end({
      ...tokens,
      client: { clientId: client?.clientId ?? '', registration: elsewhere },
    });
    expect(outcomes[1]).toMatchObject({
      done: false,
      why: expect.stringContaining('it is not https') as string,
    });
  });

  it('does not try where the server gave no means', async () => {
    const { provider, tokens, end } = await signedIn({ ...dynamic, revokes: 'RFC 7009' }, itself);
    const { client } = tokens;
    const redirectUri = client?.registration?.redirectUri ?? '';
    const outcomes = await end({
      ...tokens,
      client: { clientId: client?.clientId ?? '', registration: { redirectUri } },
    });
    expect(outcomes).toHaveLength(1);
    expect(provider.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });
});
