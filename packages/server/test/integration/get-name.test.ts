import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectFusionAuth } from '../../src/fusionauth.ts';
import { clientId, FusionAuthStandIn } from '../support/fusionauth-stand-in.ts';
import { v1Host, v2Host } from '../support/mcp-clients.ts';
import {
  bearer,
  callGetName,
  greetingIn,
  protectedServer,
  type ProtectedServer,
} from '../support/protected-server.ts';

describe('get_name', () => {
  let running: ProtectedServer;

  beforeAll(async () => {
    running = await protectedServer({ deadline: 300, env: { TOKEN_VALIDATION: 'api' } });
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
  });

  it.each([
    ['a v1 host', v1Host, '2025-11-25'],
    ['a v2 host in its default mode', v2Host('legacy'), '2025-11-25'],
    ['a v2 host that negotiates', v2Host('auto'), '2026-07-28'],
    ['a modern v2 host', v2Host({ pin: '2026-07-28' }), '2026-07-28'],
  ])('greets %s', async (_name, visit, protocolVersion) => {
    const seen = await visit(running.endpoint, await running.fusionAuth.token());
    expect(seen.protocolVersion).toBe(protocolVersion);
    expect(seen.tools).toEqual(['get_name', 'set_greeting', 'countdown']);
    expect(seen.result).toMatchObject({
      content: [{ type: 'text', text: 'Hello, Test User!' }],
      structuredContent: { result: 'Hello, Test User!' },
      isError: false,
    });
  });

  it("asks userinfo with the caller's token", async () => {
    const token = await running.fusionAuth.token();
    running.fusionAuth.requests.length = 0;
    await callGetName(running.endpoint, bearer(token));
    expect(running.fusionAuth.requests).toEqual([
      { path: '/api/jwt/validate', authorization: `Bearer ${token}` },
      { path: '/oauth2/userinfo', authorization: `Bearer ${token}` },
    ]);
  });

  it.each([
    [{ given_name: 'Test', family_name: 'User', preferred_username: 'testuser' }, 'Test User'],
    [{ given_name: 'Test' }, 'Test'],
    [{ family_name: ' User ' }, 'User'],
    [{ preferred_username: 'testuser', email: 'test@example.com' }, 'testuser'],
    [{ given_name: '', family_name: null, email: 'test@example.com' }, 'test@example.com'],
    [{ given_name: 7, email: { at: 'example.com' } }, clientId],
    [{ sub: 'user' }, clientId],
    [{ given_name: '\u001b[31mMal\u0007lory\u202e', family_name: 'A\nB' }, 'Mallory A B'],
    [{ given_name: '\u001b[2J', email: 'test@example.com' }, 'test@example.com'],
  ])('with the userinfo %j greets %s', async (userinfo, name) => {
    running.fusionAuth.userinfo = userinfo;
    const response = await callGetName(running.endpoint, bearer(await running.fusionAuth.token()));
    expect(await greetingIn(response)).toBe(`Hello, ${name}!`);
  });

  it.each([
    ['refuses', { status: 401 }],
    ['fails', { status: 500 }],
    ['hangs', 'hang' as const],
  ])('falls back to the claims when userinfo %s, and says so in the log', async (_name, behaviour) => {
    running.fusionAuth.userinfo = behaviour;
    const token = await running.fusionAuth.token({
      preferred_username: 'testuser',
      email: 'test@example.com',
    });
    running.lines.length = 0;
    expect(await greetingIn(await callGetName(running.endpoint, bearer(token)))).toBe('Hello, testuser!');
    expect(running.entries("userinfo failed; using the token's claims")).toHaveLength(1);
    const bare = await callGetName(running.endpoint, bearer(await running.fusionAuth.token()));
    expect(await greetingIn(bare)).toBe(`Hello, ${clientId}!`);
  });

  it('waits for no userinfo that is known to hang, though it is asked for again', async () => {
    const fusionAuth = await FusionAuthStandIn.start('https://mcp.example.com/mcp');
    fusionAuth.userinfo = 'hang';
    try {
      const connection = connectFusionAuth(fusionAuth.url, { deadline: 300, pause: 0 });
      const silence = { ok: false, detail: 'no answer within 300 ms' };
      expect(await connection.userinfo('token')).toEqual(silence);
      expect(await connection.userinfo('token')).toEqual({ ...silence, ofEarlierCall: true });
      await expect.poll(() => fusionAuth.requests).toHaveLength(2);
    } finally {
      await fusionAuth.close();
    }
  });
});

describe('get_name with AUTH=off', () => {
  it('greets the world in both eras, token or not, and advertises no authorization', async () => {
    const env = { AUTH: 'off', MCP_SERVER_URL: 'http://localhost:0' };
    await using open = await protectedServer({ env });
    for (const visit of [v1Host, v2Host('auto')]) {
      const { result } = await visit(open.endpoint);
      expect(result).toMatchObject({ structuredContent: { result: 'Hello, World!' }, isError: false });
    }
    expect(open.fusionAuth.requests).toEqual([]);
    const metadata = await fetch(`${open.server.url}/.well-known/oauth-protected-resource/mcp`);
    expect(metadata.status).toBe(404);
    expect(open.lines.join('')).toContain('AUTHENTICATION IS OFF');
  });
});
