import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { requireBearerAuth } from '@modelcontextprotocol/express';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { wireDescriptions } from '../../src/errors.ts';
import { connectFusionAuth } from '../../src/fusionauth.ts';
import { createFusionAuthTokenVerifier } from '../../src/token-verifier/fusionauth-token-verifier.ts';
import {
  bearer,
  callGetName,
  greetingIn,
  protectedServer,
  publicUrl,
  type ProtectedServer,
} from '../support/protected-server.ts';

const metadataUrl = `${publicUrl}/.well-known/oauth-protected-resource/mcp`;
const asks = `scope="openid profile get_name", resource_metadata="${metadataUrl}"`;

describe('a request to /mcp', () => {
  let running: ProtectedServer;

  beforeAll(async () => {
    running = await protectedServer({ deadline: 300, env: { TOKEN_VALIDATION: 'api' } });
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    running.fusionAuth.validation = undefined;
    running.fusionAuth.requests.length = 0;
    running.lines.length = 0;
  });

  /** Calls get_name with an Authorization header and reads the refusal. */
  async function refusal(
    authorization?: string,
  ): Promise<{ status: number; challenge: string | null; body: unknown }> {
    const response = await callGetName(
      running.endpoint,
      authorization === undefined ? {} : { Authorization: authorization },
    );
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: await response.json(),
    };
  }

  it('passes with a good token, and the scheme in any case', async () => {
    const token = await running.fusionAuth.token();
    expect(await greetingIn(await callGetName(running.endpoint, bearer(token)))).toBe('Hello, Test User!');
    const lower = await callGetName(running.endpoint, { Authorization: `bearer ${token}` });
    expect(lower.status).toBe(200);
  });

  it.each([
    ['no token', undefined],
    ['another scheme', 'Basic dGVzdDp0ZXN0'],
  ])('gets 401 with %s, and a challenge without an error code', async (_name, authorization) => {
    const { status, challenge, body } = await refusal(authorization);
    expect(status).toBe(401);
    expect(challenge).toBe(`Bearer ${asks}`);
    expect(body).toEqual({
      error: 'invalid_token',
      error_description: expect.stringContaining('Authentication failed.') as string,
    });
    expect(running.fusionAuth.requests).toEqual([]);
  });

  it.each(['Bearer', 'Bearer ', 'Bearer one two'])(
    'gets 400 for the malformed header %j',
    async (authorization) => {
      const { status, challenge, body } = await refusal(authorization);
      expect(status).toBe(400);
      expect(challenge).toContain('error="invalid_request"');
      expect(body).toMatchObject({ error: 'invalid_request' });
    },
  );

  it.each([
    ['two Authorization headers, a good one and another', '', (token: string) => [token, 'other']],
    ['two Authorization headers, the other one first', '', (token: string) => ['other', token]],
    ['a header, and a token in the query', '?access_token=other', (token: string) => [token]],
  ])('gets 400 invalid_request with %s, and FusionAuth is not asked', async (_name, query, tokensOf) => {
    const outgoing = request(`${running.endpoint}${query}`, { method: 'POST' });
    outgoing.setHeader(
      'Authorization',
      tokensOf(await running.fusionAuth.token()).map((token) => `Bearer ${token}`),
    );
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    const body = JSON.parse((await response.toArray()).join('')) as unknown;
    expect(response.statusCode).toBe(400);
    expect(response.headers['www-authenticate']).toContain('error="invalid_request"');
    expect(body).toMatchObject({ error: 'invalid_request' });
    expect(running.fusionAuth.requests).toEqual([]);
  });

  it('gets 401 with a good token in the query or in a form, as if there were none', async () => {
    const token = await running.fusionAuth.token();
    const query = await callGetName(`${running.endpoint}?access_token=${token}`);
    const form = await fetch(running.endpoint, {
      method: 'POST',
      body: new URLSearchParams({ access_token: token }),
    });
    for (const { status, headers } of [query, form]) {
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toBe(`Bearer ${asks}`);
    }
    expect(running.fusionAuth.requests).toEqual([]);
    expect(running.lines.join('')).not.toContain(token);
  });

  const hour = 3_600;
  const seconds = (): number => Math.floor(Date.now() / 1_000);
  it.each<[string, string, (s: ProtectedServer) => Promise<string>]>([
    [
      'of another audience',
      'wrong-audience',
      async ({ fusionAuth }) => fusionAuth.token({ aud: ['c', 'https://evil.example/mcp'] }),
    ],
    [
      'of an application without resource',
      'wrong-audience',
      async ({ fusionAuth }) => fusionAuth.token({ aud: 'client' }),
    ],
    ['of another issuer', 'wrong-issuer', async ({ fusionAuth }) => fusionAuth.token({ iss: 'acme.com' })],
    ['that has expired', 'expired', async ({ fusionAuth }) => fusionAuth.token({ exp: seconds() - hour })],
    [
      'that never expires',
      'incomplete-claims',
      async ({ fusionAuth }) => fusionAuth.token({ exp: undefined }),
    ],
    [
      'that is not valid yet',
      'not-yet-valid',
      async ({ fusionAuth }) => fusionAuth.token({ nbf: seconds() + hour }),
    ],
    [
      'with alg none, of a key that nobody publishes',
      'wrong-algorithm',
      async ({ fusionAuth }) => {
        const [, payload = '', signature = ''] = (await fusionAuth.token()).split('.');
        const header = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
        return `${header}.${payload}.${signature}`;
      },
    ],
    [
      'without a type',
      'wrong-type',
      async ({ fusionAuth }) => fusionAuth.token({}, { header: { typ: undefined } }),
    ],
    ['that somebody else signed', 'invalid-or-expired', async ({ fusionAuth }) => fusionAuth.forgedToken()],
    ['that is no JWT', 'malformed-token', () => Promise.resolve('garbage')],
  ])('gets 401 invalid_token for a token %s, and only the log says why', async (_name, reason, makeToken) => {
    const { status, challenge, body } = await refusal(`Bearer ${await makeToken(running)}`);
    expect(status).toBe(401);
    expect(challenge).toMatch(/^Bearer error="invalid_token", error_description="Authentication failed\./u);
    expect(challenge).toContain(asks);
    expect(body).toMatchObject({ error: 'invalid_token' });
    expect(JSON.stringify([challenge, body])).not.toMatch(/audience|issuer|acme|evil|signature/u);
    expect(running.entries('access token refused')).toMatchObject([{ level: 'warn', status: 401, reason }]);
  });

  it('is judged by the claims that FusionAuth vouches for, not by those that it came with', async () => {
    const token = await running.fusionAuth.token();
    const [, payload = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const body = JSON.stringify({ jwt: { ...claims, aud: ['client', 'https://other.example.com/mcp'] } });
    running.fusionAuth.validation = { status: 200, body };
    expect((await refusal(`Bearer ${token}`)).status).toBe(401);
    expect(running.entries('access token refused')).toMatchObject([{ reason: 'wrong-audience' }]);
  });

  it("gets 401 from the SDK's own middleware with our verifier as well, and not a word why", async () => {
    const { fusionAuth } = running;
    const expectation = { issuer: fusionAuth.issuer, resource: fusionAuth.resource };
    const verifier = createFusionAuthTokenVerifier(connectFusionAuth(fusionAuth.url), expectation);
    const app = express().post('/mcp', requireBearerAuth({ verifier }), (_request, response) => {
      response.sendStatus(200);
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    const answerTo = async (token: string): Promise<Response> =>
      fetch(url, { method: 'POST', headers: bearer(token) });
    try {
      expect((await answerTo(await fusionAuth.token())).status).toBe(200);
      const refused = await answerTo(await fusionAuth.token({ aud: 'client' }));
      expect(refused.status).toBe(401);
      expect(await refused.json()).toEqual({
        error: 'invalid_token',
        error_description: wireDescriptions.invalidToken,
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('does not trouble FusionAuth with what cannot be a token', async () => {
    await refusal('Bearer garbage');
    expect(running.fusionAuth.requests).toEqual([]);
  });

  it('gets 403 insufficient_scope without get_name, with all scopes in one challenge', async () => {
    const token = await running.fusionAuth.token({ scope: 'openid profile' });
    const { status, challenge, body } = await refusal(`Bearer ${token}`);
    expect(status).toBe(403);
    expect(challenge).toMatch(/^Bearer error="insufficient_scope"/u);
    expect(challenge).toContain(asks);
    expect(body).toMatchObject({ error: 'insufficient_scope' });
  });

  it.each([
    ['hangs', 'hang' as const],
    ['fails', { status: 500 }],
    ['is something else', { status: 200, body: '<html>', contentType: 'text/html' }],
    ['answers broken JSON', { status: 200, body: '{"jwt":' }],
    ['answers JSON of another shape', { status: 200, body: '[]' }],
    ['does not know the path', { status: 404 }],
  ])('gets 503 with Retry-After, not 401, while FusionAuth %s', async (_name, behaviour) => {
    running.fusionAuth.validation = behaviour;
    const response = await callGetName(running.endpoint, bearer(await running.fusionAuth.token()));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(response.headers.get('www-authenticate')).toBeNull();
    expect(await response.json()).toMatchObject({ error: 'temporarily_unavailable' });
    expect(running.entries('access token not checked')).toMatchObject([{ reason: 'fusionauth-unavailable' }]);
  });

  it('gets 503 while FusionAuth is down', async () => {
    await using other = await protectedServer();
    const token = await other.fusionAuth.token();
    await other.fusionAuth.close();
    expect((await callGetName(other.endpoint, bearer(token))).status).toBe(503);
  });

  it('gets 405 for GET and DELETE with a good token, and 401 without one', async () => {
    const headers = { ...bearer(await running.fusionAuth.token()), Accept: 'text/event-stream' };
    for (const method of ['GET', 'DELETE']) {
      expect((await fetch(running.endpoint, { method, headers })).status).toBe(405);
      expect((await fetch(running.endpoint, { method })).status).toBe(401);
    }
  });

  it('never leads a token into the log', async () => {
    const { fusionAuth, endpoint, lines } = running;
    for (const token of [
      await fusionAuth.token(),
      await fusionAuth.token({ aud: 'client' }),
      await fusionAuth.token({ scope: '' }),
      await fusionAuth.forgedToken(),
    ]) {
      await (await callGetName(endpoint, bearer(token))).text();
    }
    fusionAuth.userinfo = { status: 401 };
    await (await callGetName(endpoint, bearer(await fusionAuth.token()))).text();
    expect(lines.length).toBeGreaterThan(4);
    for (const token of fusionAuth.tokens) {
      for (const part of token.split('.').slice(1)) expect(lines.join('')).not.toContain(part);
    }
  });
});
