import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bearer, callGetName, protectedServer, publicUrl } from '../support/protected-server.ts';

describe('the rate limits', () => {
  it('refuse what a user asks beyond his own with 429, and nobody else', async () => {
    await using running = await protectedServer({ env: { RATE_LIMIT_USER: '2' } });
    const [token, other] = [
      await running.fusionAuth.token(),
      await running.fusionAuth.token({ sub: 'somebody-else' }),
    ];
    const statuses = [];
    for (const each of [token, token, other]) {
      statuses.push((await callGetName(running.endpoint, bearer(each))).status);
    }
    expect(statuses).toEqual([200, 200, 200]);
    // Another token of the same user: the user counts, not the token.
    const third = await callGetName(running.endpoint, bearer(await running.fusionAuth.token()));
    expect(third.status).toBe(429);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(await third.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32_000 } });
    expect(running.entries('rate limit reached')).toMatchObject([{ limit: 'user', status: 429 }]);
  });

  it('refuse what all users of a client ask beyond its own, and not what those of another ask', async () => {
    await using running = await protectedServer({ env: { RATE_LIMIT_CLIENT: '2' } });
    const statusOf = async (changes: Record<string, unknown>): Promise<number> =>
      (await callGetName(running.endpoint, bearer(await running.fusionAuth.token(changes)))).status;
    expect([
      await statusOf({ sub: 'a' }),
      await statusOf({ sub: 'b' }),
      await statusOf({ sub: 'c' }),
    ]).toEqual([200, 200, 429]);
    expect(await statusOf({ sub: 'a', aud: ['other-client', running.fusionAuth.resource] })).toBe(200);
  });

  it('count no request that brought no good token, and let all pass at 0', async () => {
    await using running = await protectedServer({ env: { RATE_LIMIT_USER: '1', RATE_LIMIT_CLIENT: '0' } });
    await callGetName(running.endpoint);
    await callGetName(running.endpoint, bearer(await running.fusionAuth.forgedToken()));
    expect((await callGetName(running.endpoint, bearer(await running.fusionAuth.token()))).status).toBe(200);
  });
});

describe('the security headers', () => {
  it.each(['/healthz', '/mcp', '/nowhere'])('stand in the answer of %s', async (path) => {
    await using running = await protectedServer();
    const { headers } = await fetch(new URL(path, running.endpoint));
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000',
    });
  });

  it('demand TLS only where there is TLS', async () => {
    await using plain = await protectedServer({ env: { MCP_SERVER_URL: 'http://localhost:0' } });
    const hsts = async (url: string, headers: Record<string, string> = {}): Promise<string | null> =>
      (await fetch(new URL('/healthz', url), { headers })).headers.get('strict-transport-security');
    expect(await hsts(plain.endpoint, { 'X-Forwarded-Proto': 'https' })).toBeNull();
    await using behindProxy = await protectedServer({ env: { TRUST_PROXY: '1' } });
    expect(await hsts(behindProxy.endpoint, { 'X-Forwarded-Proto': 'https' })).not.toBeNull();
    expect(await hsts(behindProxy.endpoint, { 'X-Forwarded-Proto': 'http' })).toBeNull();
  });
});

describe('a page of another origin', () => {
  const origin = 'https://app.example.com';
  const preflight = (headers: string): RequestInit => ({
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': headers,
    },
  });

  it('may call when it is configured: the preflight needs no token', async () => {
    await using running = await protectedServer({ env: { CORS_ORIGIN: origin } });
    const asked = await fetch(
      running.endpoint,
      preflight('authorization,content-type,mcp-protocol-version,mcp-param-city,x-evil'),
    );
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
    expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
    expect(asked.headers.get('access-control-allow-headers')).toBe(
      'authorization, content-type, mcp-protocol-version, mcp-param-city',
    );
    const refused = await callGetName(running.endpoint, { Origin: origin });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
    expect(refused.headers.get('vary')).toContain('Origin');
    const answered = await callGetName(running.endpoint, {
      Origin: origin,
      ...bearer(await running.fusionAuth.token()),
    });
    expect(answered.status).toBe(200);
    expect(answered.headers.get('access-control-allow-origin')).toBe(origin);
  });

  it('may not when it is not', async () => {
    await using running = await protectedServer();
    const asked = await fetch(running.endpoint, preflight('authorization'));
    expect(asked.status).toBe(403);
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('gets no permission for another port of a configured host', async () => {
    await using running = await protectedServer({ env: { CORS_ORIGIN: origin } });
    const { headers } = await callGetName(running.endpoint, { Origin: `${origin}:8443` });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('the connections', () => {
  it('beyond the limit are closed, and there is room again when one ends', async () => {
    await using running = await protectedServer({ env: { MAX_CONNECTIONS: '1' } });
    const first = connect(running.server.port, '127.0.0.1');
    await once(first, 'connect');
    const second = connect(running.server.port, '127.0.0.1');
    let answer = '';
    second.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    // Whoever writes on may see the connection end by an error.
    second.on('error', () => undefined);
    second.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => second.once('close', resolve));
    expect(answer).toBe('');
    first.destroy();
    await once(first, 'close');
    await expect
      .poll(async () =>
        fetch(new URL('/healthz', running.endpoint)).then(
          ({ status }) => status,
          () => 0,
        ),
      )
      .toBe(200);
  });
});

describe('the time for a request', () => {
  it.each([
    [{}, 10_000, 30_000],
    [{ REQUEST_TIMEOUT: '5' }, 5_000, 5_000],
  ])('is, with %j, %d ms for the headers and %d ms for all', async (env, headersTimeout, requestTimeout) => {
    const seen = new Promise<unknown>((resolve) => {
      const channel = 'http.server.request.start';
      const hear = (message: unknown): void => {
        const { request, server } = message as { request: { url: string }; server: unknown };
        // The server's own look at FusionAuth arrives at one of these, too.
        if (request.url !== '/healthz') return;
        diagnostics.unsubscribe(channel, hear);
        resolve(server);
      };
      diagnostics.subscribe(channel, hear);
    });
    await using running = await protectedServer({ env });
    await fetch(new URL('/healthz', running.endpoint));
    expect(await seen).toMatchObject({ headersTimeout, requestTimeout });
  });
});

describe('the server behind a path', () => {
  const MCP_SERVER_URL = `${publicUrl}/tools`;

  it.each(['/mcp', '/tools/mcp'])(
    'answers at %s, as proxies send it that strip the path or not',
    async (path) => {
      await using running = await protectedServer({ env: { MCP_SERVER_URL } });
      const endpoint = new URL(path, running.endpoint).href;
      const token = await running.fusionAuth.token({ aud: ['client', `${MCP_SERVER_URL}/mcp`] });
      expect((await callGetName(endpoint, bearer(token))).status).toBe(200);
      expect((await callGetName(endpoint, bearer(await running.fusionAuth.token()))).status).toBe(401);
      const challenge = (await callGetName(endpoint)).headers.get('www-authenticate');
      const metadata = '/.well-known/oauth-protected-resource/tools/mcp';
      expect(challenge).toContain(`resource_metadata="${publicUrl}${metadata}"`);
      const response = await fetch(new URL(metadata, running.endpoint));
      expect(await response.json()).toMatchObject({ resource: `${MCP_SERVER_URL}/mcp` });
    },
  );

  it('asks for a token whatever the path looks like', async () => {
    await using running = await protectedServer({ env: { MCP_SERVER_URL } });
    for (const path of ['/tools/tools/mcp', '/tools//mcp', '/TOOLS/mcp', '/mcp/', '/tools/MCP', '//mcp']) {
      const { status } = await callGetName(`${new URL(running.endpoint).origin}${path}`);
      expect([401, 404]).toContain(status);
    }
  });
});

describe('the client address in the log', () => {
  const addressIn = async (env: Record<string, string>): Promise<unknown> => {
    await using running = await protectedServer({ env });
    const forwarded = { 'X-Forwarded-For': '198.51.100.7, 203.0.113.9' };
    const token = await running.fusionAuth.token();
    await (await callGetName(running.endpoint, { ...forwarded, ...bearer(token) })).text();
    return running.entries('audit')[0]?.['address'];
  };

  it('is that of the connection when no proxy is trusted', async () => {
    expect(await addressIn({})).toBe('127.0.0.1');
  });

  it('is what the trusted proxies say, and what they cannot know is not believed', async () => {
    expect(await addressIn({ TRUST_PROXY: '1' })).toBe('203.0.113.9');
    expect(await addressIn({ TRUST_PROXY: '2' })).toBe('198.51.100.7');
    expect(await addressIn({ TRUST_PROXY: 'loopback,203.0.113.0/24' })).toBe('198.51.100.7');
    expect(await addressIn({ TRUST_PROXY: '10.0.0.0/8' })).toBe('127.0.0.1');
  });
});
