import { createHash } from 'node:crypto';
import type { ServerMetadata } from 'openid-client';
import { describe, expect, it } from 'vitest';
import { createAuthorizationRequest, scopeToRequest } from '../src/authorization/authorization-request.ts';
import { createOAuthClient } from '../src/authorization/oauth-client.ts';
import type { Discovery } from '../src/authorization/types.ts';

const metadata: ServerMetadata = {
  issuer: 'https://login.example.com',
  authorization_endpoint: 'https://login.example.com/authorize?tenant=1',
  token_endpoint: 'https://login.example.com/token',
};
const discovery = (scopesSupported?: readonly string[], offered?: string[]): Discovery => ({
  resource: 'https://mcp.example.com/mcp',
  scopesSupported,
  authorizationServer: offered === undefined ? metadata : { ...metadata, scopes_supported: offered },
});
const client = { clientId: 'client-1' };
const redirectUri = new URL('http://localhost:3334/oauth/callback');

describe('the scope', () => {
  const offline = ['openid', 'offline_access'];

  it.each([
    ['what the client was registered with, exactly', { scope: 'a b' }, { scope: 'c' }, ['d'], offline, 'a b'],
    ['what the challenge names', {}, { scope: 'c d' }, ['e'], [], 'c d'],
    [
      'what the challenge names, with offline_access where it is offered',
      {},
      { scope: 'c' },
      ['e'],
      offline,
      'c offline_access',
    ],
    ['offline_access once', {}, { scope: 'offline_access  c' }, undefined, offline, 'offline_access c'],
    ['all that the resource supports, without a challenge', {}, {}, ['e', 'f'], [], 'e f'],
    ['all that the resource supports, with offline_access', {}, {}, ['e'], offline, 'e offline_access'],
    ['left out when nobody names one', {}, {}, undefined, offline, undefined],
    ['left out when the resource supports none', {}, {}, [], offline, undefined],
    ['left out when the challenge is empty', {}, { scope: '' }, ['e'], offline, undefined],
  ] as const)('is %s', (_what, registration, challenge, supported, offered, scope) => {
    const facts = discovery(supported, [...offered]);
    expect(scopeToRequest(facts, { ...client, ...registration }, challenge)).toBe(scope);
  });

  it('is asked for without offline_access when the authorization server says nothing of scopes', () => {
    expect(scopeToRequest(discovery(['e']), client, {})).toBe('e');
  });
});

describe('an authorization request', () => {
  const create = (scope?: string) =>
    createAuthorizationRequest(createOAuthClient(metadata, client, fetch), {
      discovery: discovery(scope === undefined ? undefined : [scope]),
      client,
      challenge: {},
      redirectUri,
    });

  it('has PKCE with S256, state, resource, redirect URI and scope, and keeps the endpoint’s own query', async () => {
    const request = await create('get_name');
    expect(Object.fromEntries(request.url.searchParams)).toEqual({
      tenant: '1',
      client_id: 'client-1',
      response_type: 'code',
      redirect_uri: redirectUri.href,
      state: request.state,
      code_challenge: createHash('sha256').update(request.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource: 'https://mcp.example.com/mcp',
      scope: 'get_name',
    });
    expect(request.url.origin + request.url.pathname).toBe('https://login.example.com/authorize');
  });

  it('leaves the scope out when there is none to ask for', async () => {
    expect((await create()).url.searchParams.has('scope')).toBe(false);
  });

  it('never repeats state or verifier, and gives each at least 128 bits', async () => {
    const [one, other] = [await create(), await create()];
    expect(one.state).not.toBe(other.state);
    expect(one.codeVerifier).not.toBe(other.codeVerifier);
    expect(one.state.length).toBeGreaterThanOrEqual(22);
    // RFC 7636, section 4.1.
    expect(one.codeVerifier).toMatch(/^[A-Za-z0-9\-._~]{43,128}$/u);
  });
});
