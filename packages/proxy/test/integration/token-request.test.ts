import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Configuration } from 'openid-client';
import { describe, expect, it } from 'vitest';
import { createBoundedFetch } from '../../src/authorization/bounded-fetch.ts';
import { createEndpointPolicy } from '../../src/authorization/endpoint-policy.ts';
import { clientAuthentication, methodOf } from '../../src/authorization/client-authentication.ts';
import { createOAuthClient } from '../../src/authorization/oauth-client.ts';
import { exchangeCode, refresh } from '../../src/authorization/token-request.ts';
import type { RegisteredClient } from '../../src/authorization/types.ts';
import { errors } from '../../src/errors.ts';
import { everythingIn, refusalOf } from '../support/failure.ts';
import {
  loopbackServer,
  sendHtml,
  sendJson,
  type Handler,
  type LoopbackServer,
} from '../support/loopback-server.ts';
import { tokenSet } from '../support/token-sets.ts';

const mcpServer = new URL('http://localhost:8000/mcp');
const now = 1_800_000_000_000;
const good = { access_token: 'access-2', token_type: 'Bearer', expires_in: 3_600 };

interface Endpoint {
  readonly http: LoopbackServer;
  readonly oauthClient: Configuration;
  readonly form: () => Record<string, string>;
}

async function tokenEndpoint(
  handle: Handler,
  options: { metadata?: Record<string, unknown>; client?: RegisteredClient; signal?: AbortSignal } = {},
): Promise<Endpoint> {
  const http = await loopbackServer(handle);
  const metadata = {
    issuer: http.url,
    authorization_endpoint: `${http.url}/authorize`,
    token_endpoint: `${http.url}/token`,
    authorization_response_iss_parameter_supported: true,
    id_token_signing_alg_values_supported: ['RS256', 'HS256'],
    ...options.metadata,
  };
  const boundedFetch = createBoundedFetch(
    createEndpointPolicy(mcpServer, false),
    fetch,
    options.signal ?? new AbortController().signal,
  );
  const client = options.client ?? { clientId: 'client-1' };
  const without = { method: undefined, key: undefined, audience: undefined, ownCertificate: false };
  const authentication = clientAuthentication(methodOf(metadata, client, without), client, without);
  return {
    http,
    oauthClient: createOAuthClient(metadata, client, { authentication, throughTls: false }, boundedFetch),
    form: () => Object.fromEntries(new URLSearchParams(http.requests[0]?.body)),
  };
}

const answering =
  (status: number, content: unknown): Handler =>
  (_request, response) => {
    sendJson(response, status, content);
  };

const exchange = ({ oauthClient, http }: Endpoint, query: Record<string, string> = {}) =>
  exchangeCode(oauthClient, {
    server: mcpServer,
    responseUrl: new URL(
      `http://localhost:3334/oauth/callback?${new URLSearchParams({ code: 'code-1', state: 'state-1', iss: http.url, ...query }).toString()}`,
    ),
    state: 'state-1',
    codeVerifier: 'v'.repeat(43),
    resource: 'http://localhost:8000/mcp',
    scope: 'openid get_name',
    proofs: {},
    now: () => now,
  });

const refreshAt = ({ oauthClient, http }: Endpoint, changes = {}) =>
  refresh(oauthClient, tokenSet({ issuer: http.url, ...changes }), { proofs: {}, now: () => now });

/** An id_token as FusionAuth signs it by default: with the client's secret, which a public client does not have. */
function hs256IdToken(issuer: string): string {
  const encode = (content: unknown): string => Buffer.from(JSON.stringify(content)).toString('base64url');
  const seconds = Math.floor(Date.now() / 1_000);
  const claims = { iss: issuer, aud: 'client-1', sub: 'user-1', iat: seconds, exp: seconds + 60 };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', 'the secret').update(signed).digest('base64url')}`;
}

describe('the code exchange', () => {
  it('sends code, verifier, redirect URI, client and the resource again', async () => {
    const endpoint = await tokenEndpoint(answering(200, good));
    await exchange(endpoint);
    expect(endpoint.form()).toEqual({
      grant_type: 'authorization_code',
      code: 'code-1',
      code_verifier: 'v'.repeat(43),
      redirect_uri: 'http://localhost:3334/oauth/callback',
      client_id: 'client-1',
      resource: 'http://localhost:8000/mcp',
    });
  });

  it('takes what the answer says', async () => {
    const endpoint = await tokenEndpoint(
      answering(200, {
        ...good,
        refresh_token: 'refresh-2',
        scope: 'openid',
        userId: 'u',
        refresh_token_id: 'refresh-id-2',
      }),
    );
    expect(await exchange(endpoint)).toEqual({
      accessToken: 'access-2',
      refreshToken: 'refresh-2',
      refreshTokenId: 'refresh-id-2',
      expiresAt: now + 3_600_000,
      scope: 'openid',
      requestedScope: 'openid get_name',
      issuer: endpoint.http.url,
      resource: 'http://localhost:8000/mcp',
    });
  });

  it('takes the scope asked for, and no end, when the answer says nothing of them', async () => {
    const endpoint = await tokenEndpoint(answering(200, { access_token: 'a', token_type: 'bearer' }));
    expect(await exchange(endpoint)).toMatchObject({
      scope: 'openid get_name',
      expiresAt: undefined,
      refreshToken: undefined,
    });
  });

  it('takes parameters that FusionAuth adds to the response', async () => {
    const endpoint = await tokenEndpoint(answering(200, good));
    expect(await exchange(endpoint, { locale: 'en', userState: 'Authenticated' })).toMatchObject({
      accessToken: 'access-2',
    });
  });

  it('tolerates an id_token signed HS256, whose claims decide nothing', async () => {
    const endpoint = await tokenEndpoint((_request, response) => {
      sendJson(response, 200, { ...good, id_token: hs256IdToken(endpoint.http.url) });
    });
    expect(await exchange(endpoint)).toMatchObject({ accessToken: 'access-2' });
  });

  it.each([
    ['a public client', {}, undefined, undefined, 'client-1'],
    [
      'a secret, by default',
      { clientSecret: 's:1' },
      undefined,
      `Basic ${btoa('client-1:s%3A1')}`,
      undefined,
    ],
    [
      'a secret, where both are listed',
      { clientSecret: 's' },
      ['client_secret_post', 'client_secret_basic'],
      `Basic ${btoa('client-1:s')}`,
      undefined,
    ],
    [
      'a secret, where only post is listed',
      { clientSecret: 's' },
      ['client_secret_post'],
      undefined,
      'client-1',
    ],
    [
      'what its registration says before what is listed',
      { clientSecret: 's', authenticationMethod: 'client_secret_post' },
      ['client_secret_basic', 'client_secret_post'],
      undefined,
      'client-1',
    ],
  ])('authenticates with %s', async (_what, client, methods, authorization, formId) => {
    const endpoint = await tokenEndpoint(answering(200, good), {
      client: { clientId: 'client-1', ...client },
      metadata: methods === undefined ? {} : { token_endpoint_auth_methods_supported: methods },
    });
    await exchange(endpoint);
    expect(endpoint.http.requests[0]?.headers.authorization).toBe(authorization);
    expect(endpoint.form()['client_id']).toBe(formId);
  });

  it.each([
    ['client_secret_post', 's'],
    ['none', undefined],
  ])('sends the secret only where the registration says so: %s', async (authenticationMethod, sent) => {
    const endpoint = await tokenEndpoint(answering(200, good), {
      client: { clientId: 'client-1', clientSecret: 's', authenticationMethod },
    });
    await exchange(endpoint);
    expect(endpoint.form()['client_secret']).toBe(sent);
    expect(endpoint.http.requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each([
    ['a wrong iss', { iss: 'https://evil.example.com' }, '"iss"'],
    ['a wrong iss on an error', { iss: 'https://evil.example.com', error: 'access_denied' }, '"iss"'],
    ['an iss that differs by a slash', { iss: 'slash' }, '"iss"'],
    ['an empty iss', { iss: '' }, '"iss"'],
    ['a wrong state', { state: 'state-2' }, '"state"'],
  ])(
    'is refused before any request with %s, and shows nothing of the attacker’s words',
    async (_what, query, checked) => {
      const endpoint = await tokenEndpoint(answering(200, good));
      const iss = 'iss' in query && query.iss === 'slash' ? { iss: `${endpoint.http.url}/` } : {};
      const words = 'Call the evil twins to verify';
      const error = await refusalOf(() => exchange(endpoint, { ...query, ...iss, error_description: words }));
      expect(error.code).toBe('sign-in-invalid');
      expect(error.message).toContain(checked);
      expect(everythingIn(error)).not.toContain('evil');
      expect(endpoint.http.requests).toEqual([]);
    },
  );

  it('is refused without iss where the metadata promises one, and taken where it does not', async () => {
    const withoutIss = (endpoint: Endpoint, extra = '') =>
      exchangeCode(endpoint.oauthClient, {
        server: mcpServer,
        responseUrl: new URL(`http://localhost:3334/oauth/callback?code=code-1&state=state-1${extra}`),
        state: 'state-1',
        codeVerifier: 'v'.repeat(43),
        resource: 'http://localhost:8000/mcp',
        scope: undefined,
        proofs: {},
        now: () => now,
      });
    const promising = await tokenEndpoint(answering(200, good));
    const error = await refusalOf(() => withoutIss(promising, '&error=denied&error_description=evil-words'));
    expect(error.code).toBe('sign-in-invalid');
    expect(everythingIn(error)).not.toContain('evil');
    expect((await refusalOf(() => withoutIss(promising))).code).toBe('sign-in-invalid');
    const silent = await tokenEndpoint(answering(200, good), {
      metadata: { authorization_response_iss_parameter_supported: undefined },
    });
    expect(await withoutIss(silent)).toMatchObject({ accessToken: 'access-2' });
  });

  it.each([
    ['consent_canceled', { error: 'access_denied', error_reason: 'consent_canceled' }, 'allow the access'],
    ['unknown_scope', { error: 'invalid_scope', error_reason: 'unknown_scope' }, 'scopes of the application'],
    ['no reason', { error: 'server_error', error_description: 'Try later' }, 'Try again'],
  ])('tells of an error response with %s, what was said and the way out', async (_what, query, remedy) => {
    const endpoint = await tokenEndpoint(answering(200, good));
    const error = await refusalOf(() => exchange(endpoint, query));
    expect(error.code).toBe('sign-in-refused');
    for (const said of Object.values(query)) expect(error.message).toContain(said);
    expect(error.remedy).toContain(remedy);
    expect(endpoint.http.requests).toEqual([]);
  });

  it.each([
    [400, { error: 'invalid_target', error_description: 'The resource…' }, 'authorized resource URIs'],
    [
      401,
      { error: 'invalid_client', error_reason: 'client_authentication_missing' },
      'demands a client secret',
    ],
    [401, { error: 'invalid_client' }, 'Check client_id'],
    [400, { error: 'invalid_grant' }, 'Try again'],
    [400, { error: 'invalid_request', error_reason: 'auth_code_not_found' }, 'Try again'],
  ])('tells of a refusal with %i %j and the way out', async (status, content, remedy) => {
    const endpoint = await tokenEndpoint(answering(status, content));
    const error = await refusalOf(() => exchange(endpoint));
    expect(error.code).toBe('token-request-failed');
    expect(error.message).toContain(content.error);
    expect(error.remedy).toContain(remedy);
  });

  it('tells of a refusal that comes as a challenge', async () => {
    const endpoint = await tokenEndpoint((_request, response) => {
      sendJson(response, 401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="x"' });
    });
    expect((await refusalOf(() => exchange(endpoint))).code).toBe('token-request-failed');
  });
});

describe('a refresh', () => {
  it('sends the refresh token with client and resource, and keeps what the answer leaves out', async () => {
    const endpoint = await tokenEndpoint(answering(200, good));
    expect(await refreshAt(endpoint)).toEqual(
      tokenSet({ accessToken: 'access-2', expiresAt: now + 3_600_000, issuer: endpoint.http.url }),
    );
    expect(endpoint.form()).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-1',
      client_id: 'client-1',
      resource: 'https://mcp.example.com/mcp',
    });
  });

  it('takes a new refresh token and a narrower scope', async () => {
    const endpoint = await tokenEndpoint(
      answering(200, { ...good, refresh_token: 'refresh-2', scope: 'openid' }),
    );
    expect(await refreshAt(endpoint)).toMatchObject({ refreshToken: 'refresh-2', scope: 'openid' });
  });

  it('tolerates an id_token signed HS256', async () => {
    const endpoint = await tokenEndpoint((_request, response) => {
      sendJson(response, 200, { ...good, id_token: hs256IdToken(endpoint.http.url) });
    });
    expect(await refreshAt(endpoint)).toMatchObject({ accessToken: 'access-2' });
  });

  it('is not tried without a refresh token', async () => {
    const endpoint = await tokenEndpoint(answering(200, good));
    expect(await refreshAt(endpoint, { refreshToken: undefined })).toBeUndefined();
    expect(endpoint.http.requests).toEqual([]);
  });

  it.each([
    [400, { error: 'invalid_grant' }],
    [401, { error: 'invalid_grant', error_description: 'expired' }],
    [400, { error: 'invalid_request', error_reason: 'refresh_token_not_found' }],
    [400, { error: 'invalid_request', error_reason: 'refresh_token_expired' }],
  ])('finds the grant gone: %i %j', async (status, content) => {
    expect(await refreshAt(await tokenEndpoint(answering(status, content)))).toBeUndefined();
  });

  it.each([
    [401, { error: 'invalid_client', error_reason: 'client_authentication_missing' }],
    [400, { error: 'invalid_target' }],
    [400, { error: 'invalid_request', error_reason: 'missing_refresh_token' }],
    [400, { error: 'invalid_request' }],
    [400, { error: 'unsupported_grant_type' }],
  ])('is refused, and the grant not gone: %i %j', async (status, content) => {
    const endpoint = await tokenEndpoint(answering(status, content));
    expect((await refusalOf(() => refreshAt(endpoint))).code).toBe('token-request-failed');
  });
});

describe('a token endpoint that does not work', () => {
  const broken: [string, (response: ServerResponse) => void, string][] = [
    [
      'answers 500 with an OAuth error',
      (response) => sendJson(response, 500, { error: 'invalid_grant' }),
      'HTTP 500',
    ],
    ['answers 503 with a page', (response) => sendHtml(response, 503), 'HTTP 503'],
    ['answers 429', (response) => sendJson(response, 429, { error: 'slow_down' }), 'HTTP 429'],
    ['answers 200 with a page', (response) => sendHtml(response, 200), 'HTTP 200'],
    ['answers 400 with a page', (response) => sendHtml(response, 400), 'HTTP 400'],
    ['answers 404 with other JSON', (response) => sendJson(response, 404, { message: 'no' }), 'HTTP 404'],
    ['redirects', (response) => response.writeHead(307, { location: '/elsewhere' }).end(), 'HTTP 307'],
    ['cuts the connection', (response) => response.destroy(), 'other side closed'],
  ];

  it.each(broken)('is unavailable, and the user still signed in, when it %s', async (_what, answer, why) => {
    const endpoint = await tokenEndpoint((_request, response) => {
      answer(response);
    });
    for (const work of [() => refreshAt(endpoint), () => exchange(endpoint)]) {
      const error = await refusalOf(work);
      expect(error.code).toBe('token-endpoint-unavailable');
      expect(error.message).toContain(why);
    }
  });

  it('is unavailable when nobody listens', async () => {
    const endpoint = await tokenEndpoint(() => undefined);
    await endpoint.http.close();
    const { code, message } = await refusalOf(() => refreshAt(endpoint));
    expect(code).toBe('token-endpoint-unavailable');
    expect(message).toContain('ECONNREFUSED');
  });

  it('is unavailable when its answer does not come in time', async () => {
    const abort = new AbortController();
    const endpoint = await tokenEndpoint(
      () => {
        abort.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
      },
      { signal: abort.signal },
    );
    const { code, message } = await refusalOf(() => refreshAt(endpoint));
    expect(code).toBe('token-endpoint-unavailable');
    expect(message).toContain('timeout');
  });

  it('passes the reason on when the program is ending', async () => {
    const abort = new AbortController();
    const reason = errors.shuttingDown();
    const endpoint = await tokenEndpoint(
      () => {
        abort.abort(reason);
      },
      { signal: abort.signal },
    );
    expect(await refusalOf(() => refreshAt(endpoint))).toBe(reason);
  });

  it.each([
    ['no access token', { token_type: 'Bearer' }],
    ['a token type that is not Bearer', { access_token: 'a', token_type: 'mac' }],
    ['an id_token of somebody else', { ...good, id_token: hs256IdToken('https://evil.example.com') }],
  ])('gives no tokens when its answer has %s', async (_what, content) => {
    const endpoint = await tokenEndpoint(answering(200, content));
    const { code } = await refusalOf(() => exchange(endpoint));
    expect(['sign-in-invalid', 'token-endpoint-unavailable']).toContain(code);
  });
});
