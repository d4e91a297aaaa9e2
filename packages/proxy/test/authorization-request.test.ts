import { createHash } from 'node:crypto';
import type { ServerMetadata } from 'openid-client';
import { describe, expect, it } from 'vitest';
import { None } from 'openid-client';
import { createAuthorizationRequest } from '../src/authorization/authorization-request.ts';
import { createOAuthClient } from '../src/authorization/oauth-client.ts';
import { refusalOf } from './support/failure.ts';

const metadata: ServerMetadata = {
  issuer: 'https://login.example.com',
  authorization_endpoint: 'https://login.example.com/authorize?tenant=1',
  token_endpoint: 'https://login.example.com/token',
  code_challenge_methods_supported: ['plain', 'S256'],
};
const client = { clientId: 'client-1' };
const redirectUri = new URL('http://localhost:3334/oauth/callback');

describe('an authorization request', () => {
  const resource = 'https://mcp.example.com/mcp';
  const create = (
    facts: {
      scope?: string;
      resource?: string | undefined;
      dpopJkt?: string;
      extra?: readonly [string, string][];
    } = {},
    changes: Partial<ServerMetadata> = {},
  ) =>
    createAuthorizationRequest(
      createOAuthClient(
        { ...metadata, ...changes },
        client,
        { authentication: None(), throughTls: false },
        fetch,
      ),
      {
        redirectUri,
        scope: undefined,
        resource,
        dpopJkt: undefined,
        extra: [],
        ...facts,
      },
    );

  it('names the key that the code shall be bound to', async () => {
    const request = await create({ dpopJkt: 'thumbprint-1' });
    expect(request.url.searchParams.get('dpop_jkt')).toBe('thumbprint-1');
    expect((await create()).url.searchParams.has('dpop_jkt')).toBe(false);
  });

  it('has PKCE with S256, state, resource, redirect URI and scope, and keeps the endpoint’s own query', async () => {
    const request = await create({ scope: 'get_name' });
    expect(Object.fromEntries(request.url.searchParams)).toEqual({
      tenant: '1',
      client_id: 'client-1',
      response_type: 'code',
      redirect_uri: redirectUri.href,
      state: request.state,
      code_challenge: createHash('sha256').update(request.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
      resource,
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

  it('leaves the resource out where there is none to name', async () => {
    const request = await create({ resource: undefined });
    expect(request.url.searchParams.has('resource')).toBe(false);
    expect(request.resource).toBeUndefined();
  });

  it('asks for consent with offline_access, which counts for nothing otherwise', async () => {
    const prompt = async (facts: Parameters<typeof create>[0]) =>
      (await create(facts)).url.searchParams.getAll('prompt');
    expect(await prompt({ scope: 'openid offline_access' })).toEqual(['consent']);
    expect(await prompt({ scope: 'openid offline_accessory' })).toEqual([]);
    expect(await prompt({})).toEqual([]);
    expect(await prompt({ scope: 'offline_access', extra: [['prompt', 'login consent']] })).toEqual([
      'login consent',
    ]);
  });

  it('has the user’s own parameters, none of which replaces one that protects the flow', async () => {
    const protectedOnes = [
      'client_id',
      'response_type',
      'redirect_uri',
      'state',
      'scope',
      'resource',
      'code_challenge',
      'code_challenge_method',
    ];
    const request = await create({
      scope: 'get_name',
      extra: [
        ['login_hint', 'me@example.com'],
        ...protectedOnes.map((name): [string, string] => [name, 'evil']),
      ],
    });
    expect(request.url.searchParams.get('login_hint')).toBe('me@example.com');
    for (const name of protectedOnes) {
      expect(request.url.searchParams.getAll(name), name).toHaveLength(1);
      expect(request.url.searchParams.get(name), name).not.toBe('evil');
    }
    expect(request.url.searchParams.get('state')).toBe(request.state);
  });

  it.each([
    ['absent', undefined],
    ['empty', []],
    ['only plain', ['plain']],
    ['in lower case', ['s256']],
  ])('is refused when PKCE is %s', async (_what, methods) => {
    const changes = { code_challenge_methods_supported: methods } as Partial<ServerMetadata>;
    const { code, message } = await refusalOf(() => create({}, changes));
    expect(code).toBe('pkce-unsupported');
    expect(message).toContain('https://login.example.com');
  });

  it('is refused without an authorization endpoint', async () => {
    const changes = { authorization_endpoint: undefined } as unknown as Partial<ServerMetadata>;
    const { code, message } = await refusalOf(() => create({}, changes));
    expect(code).toBe('authorization-server-metadata');
    expect(message).toContain('authorization_endpoint is missing');
  });
});
