import { once } from 'node:events';
import { request } from 'node:http';
import { McpServer, OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { startServer } from '../../src/http-server.ts';
import { createLog } from '../../src/log.ts';
import { createMemorySharedState } from '../../src/shared-state/memory-shared-state.ts';
import {
  bearer,
  callGetName,
  protectedServer,
  publicUrl,
  type ProtectedServer,
} from '../support/protected-server.ts';

describe('the app', () => {
  let running: ProtectedServer;
  let origin: string;

  beforeAll(async () => {
    running = await protectedServer();
    origin = new URL(running.endpoint).origin;
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
  });

  /** A GET whose Host header is chosen, which fetch does not allow. */
  async function statusFor(path: string, headers: Record<string, string>): Promise<number | undefined> {
    const sent = request(`${origin}${path}`, { headers });
    sent.end();
    const [response] = (await once(sent, 'response')) as [{ statusCode?: number; resume(): void }];
    response.resume();
    return response.statusCode;
  }

  it.each(['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource'])(
    'serves the protected resource metadata at %s, the issuer letter by letter',
    async (path) => {
      const response = await fetch(`${origin}${path}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        resource: `${publicUrl}/mcp`,
        authorization_servers: [running.fusionAuth.url],
        scopes_supported: ['openid', 'profile', 'get_name', 'set_greeting', 'countdown'],
        bearer_methods_supported: ['header'],
        resource_name: 'FusionAuth MCP Server',
        dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256']) as string[],
      });
    },
  );

  const metadata = '/.well-known/oauth-protected-resource/mcp';
  it.each(['localhost', '127.0.0.1:8000', '[::1]:8000', 'mcp.example.com'])(
    'answers the Host %s',
    async (host) => {
      expect(await statusFor(metadata, { Host: host })).toBe(200);
    },
  );

  it.each(['evil.example', 'mcp.example.com.evil.example', 'localhost.evil.example:8000', '10.0.0.1'])(
    'refuses the Host %s with 403: a rebound name',
    async (host) => {
      expect(await statusFor(metadata, { Host: host })).toBe(403);
      expect(await statusFor('/mcp', { Host: host })).toBe(403);
    },
  );

  it.each([
    ['http://localhost:6274', 200],
    [publicUrl, 200],
    ['https://evil.example', 403],
    ['null', 403],
  ])('answers the Origin %s with %d', async (Origin, status) => {
    const token = await running.fusionAuth.token();
    expect((await callGetName(running.endpoint, { ...bearer(token), Origin })).status).toBe(status);
  });

  it('tells its health to any Host', async () => {
    expect(await statusFor('/healthz', { Host: '10.0.0.1' })).toBe(200);
  });

  it('answers unknown paths with 404 in JSON', async () => {
    const response = await fetch(`${origin}/sse`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', id: null });
    expect(response.headers.get('x-powered-by')).toBeNull();
  });

  async function post(
    body: string,
    contentType = 'application/json',
  ): Promise<{ status: number; body: unknown }> {
    const response = await fetch(running.endpoint, {
      method: 'POST',
      headers: {
        ...bearer(await running.fusionAuth.token()),
        'Content-Type': contentType,
        Accept: 'application/json, text/event-stream',
      },
      body,
    });
    return { status: response.status, body: await response.json() };
  }

  it.each([
    ['broken JSON', '{"jsonrpc":', 'application/json', 400, -32_700],
    ['no message', '{"hello":"world"}', 'application/json', 400, -32_600],
    ['another content type', '{}', 'text/plain', 415, -32_000],
    [
      'a body above 1 MiB',
      JSON.stringify({ padding: 'x'.repeat(1_100_000) }),
      'application/json',
      413,
      -32_000,
    ],
  ])('answers %s with a JSON-RPC error', async (_name, body, contentType, status, code) => {
    expect(await post(body, contentType)).toMatchObject({
      status,
      body: { jsonrpc: '2.0', id: null, error: { code } },
    });
  });

  it('answers an unknown tool with a JSON-RPC error', async () => {
    const response = await fetch(running.endpoint, {
      method: 'POST',
      headers: {
        ...bearer(await running.fusionAuth.token()),
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: '{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"no_such_tool"}}',
    });
    expect(await response.text()).toMatch(/"code":-32602.*no_such_tool not found/u);
  });
});

describe('the app with a shared state of one’s own', () => {
  it('answers 500 in JSON when that fails unexpectedly, and only the log says how', async () => {
    const take = async (): Promise<never> => Promise.reject(new Error('the database password is hunter2'));
    const sharedState = { ...createMemorySharedState(), rateLimit: () => ({ take }) };
    await using running = await protectedServer({ sharedState });
    const response = await callGetName(running.endpoint, bearer(await running.fusionAuth.token()));
    expect([response.status, await response.json()]).toEqual([
      500,
      { jsonrpc: '2.0', id: null, error: { code: -32_603, message: 'Internal error' } },
    ]);
    expect(running.entries('request failed unexpectedly')).toMatchObject([
      { level: 'error', detail: 'the database password is hunter2' },
    ]);
  });
});

describe("the app with a server and verifier of one's own", () => {
  it('protects that server, and hides what the verifier throws unexpectedly', async () => {
    const lines: string[] = [];
    const server = await startServer(
      {
        ...loadConfig([], { PORT: '0', FUSIONAUTH_URL: 'http://localhost:1' }),
        requiredScopes: ['weather'],
        scopesSupported: ['weather'],
      },
      {
        log: createLog({ destination: { write: (line) => void lines.push(line) } }),
        verifier: {
          verifyAccessToken: async (token) => {
            if (token === 'unknown') throw new OAuthError(OAuthErrorCode.InvalidToken, 'not in the database');
            if (token === 'broken') throw new Error('the database password is hunter2');
            return Promise.resolve({ token, clientId: 'c', scopes: ['weather'], expiresAt: 4_000_000_000 });
          },
        },
        createMcpServer: () => {
          const mcp = new McpServer({ name: 'weather', version: '1.0.0' });
          mcp.registerTool('get_name', {}, ({ http }) => ({
            content: [{ type: 'text', text: `sunny for ${http?.authInfo?.clientId ?? 'nobody'}` }],
          }));
          return mcp;
        },
      },
    );
    const endpoint = `http://127.0.0.1:${server.port}/mcp`;
    try {
      expect(await (await callGetName(endpoint, bearer('good'))).text()).toContain('sunny for c');
      const unknown = await callGetName(endpoint, bearer('unknown'));
      expect(unknown.headers.get('www-authenticate')).toContain('scope="weather"');
      expect(await unknown.text()).not.toContain('database');
      const broken = await callGetName(endpoint, bearer('broken'));
      expect([broken.status, await broken.json()]).toEqual([
        500,
        { error: 'server_error', error_description: 'Internal server error' },
      ]);
      expect(lines.join('')).toContain('hunter2');
    } finally {
      await server.close();
    }
  });
});
