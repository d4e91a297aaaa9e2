import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCallbackServer, type AuthorizationResponse } from '../../src/authorization/callback-server.ts';
import { errors } from '../../src/errors.ts';
import { refusalOf } from '../support/failure.ts';
import { freePort, isFree } from '../support/loopback-server.ts';

const mcpServer = new URL('https://mcp.example.com/mcp');
const state = 'the-right-state';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Any request, Host and method and path as told: fetch would not send most of them. */
async function send(
  port: number,
  path: string,
  options: { method?: string; host?: string; address?: string } = {},
): Promise<Answer> {
  const request = httpRequest({
    host: options.address ?? '127.0.0.1',
    port,
    path,
    method: options.method ?? 'GET',
    setHost: false,
    headers: { host: options.host ?? `localhost:${port}` },
  }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, text, headers: response.headers };
}

async function open(host = 'localhost') {
  const port = await freePort();
  const server = await openCallbackServer(host, port);
  onTestFinished(() => server.close());
  let arrived: AuthorizationResponse | undefined;
  const response = server.response(state, mcpServer).then((value) => (arrived = value));
  return { port, server, response, hasArrived: () => arrived !== undefined };
}

const good = `/oauth/callback?code=1&state=${state}`;

describe('the callback server', () => {
  it('has the redirect URI http://<host>:<port>/oauth/callback', async () => {
    const { server, port } = await open('127.0.0.1');
    expect(server.redirectUri.href).toBe(`http://127.0.0.1:${port}/oauth/callback`);
  });

  it.each(['127.0.0.1', '::1'])('listens on %s', async (address) => {
    const { port, response } = await open();
    const page = send(port, good, { address });
    expect((await response).url.href).toBe(`http://localhost:${port}${good}`);
    await (await response).succeed();
    expect((await page).status).toBe(200);
  });

  it.each(['localhost', '127.0.0.1', '[::1]'])('takes the Host %s', async (name) => {
    const { port, response } = await open();
    const page = send(port, good, { host: `${name}:${port}` });
    await (await response).succeed();
    expect((await page).status).toBe(200);
  });

  it('shows success only after succeed(), with headers that allow nothing', async () => {
    const { port, response } = await open();
    let shown = false;
    const page = send(port, good).finally(() => (shown = true));
    const arrived = await response;
    // The next answer comes back over the same loopback: this one would have been there before it.
    await send(port, '/other');
    expect(shown).toBe(false);
    await arrived.succeed();
    const { status, text, headers } = await page;
    expect(status).toBe(200);
    expect(text).toContain('You are signed in');
    expect(text).toContain('https://mcp.example.com/mcp');
    expect(text).not.toContain('<script');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('shows a failure with its remedy, escaped and cleaned', async () => {
    const { port, response } = await open();
    const page = send(port, good);
    const details = { error: '<script>alert("1")</script>', description: "it's & \u202ebad" };
    await (await response).fail(errors.signInRefused(mcpServer, details));
    const { status, text } = await page;
    expect(status).toBe(400);
    expect(text).toContain('The sign-in did not work');
    expect(text).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;: it&#39;s &amp; bad');
    expect(text).not.toMatch(/<script|\u202e|You are signed in/u);
  });

  it('passes an error response on, if it has the state', async () => {
    const { port, response } = await open();
    const page = send(port, `/oauth/callback?error=access_denied&state=${state}`);
    const arrived = await response;
    expect(arrived.url.searchParams.get('error')).toBe('access_denied');
    await arrived.fail(errors.signInRefused(mcpServer, { error: 'access_denied' }));
    expect((await page).status).toBe(400);
  });

  it.each([
    ['another path', `/callback?code=1&state=${state}`],
    ['a path below', `/oauth/callback/x?code=1&state=${state}`],
    ['another case', `/OAuth/Callback?code=1&state=${state}`],
    ['an address of another host', `//evil.example.com/oauth/callback?code=1&state=${state}`],
    ['an absolute address', `http://evil.example.com/oauth/callback?code=1&state=${state}`],
    ['no state', '/oauth/callback?code=1'],
    ['an empty state', '/oauth/callback?code=1&state='],
    ['a wrong state', '/oauth/callback?code=1&state=wrong'],
    ['the state and more', `/oauth/callback?code=1&state=${state}x`],
    ['the state twice', `/oauth/callback?code=1&state=${state}&state=${state}`],
    ['the right state after a wrong one', `/oauth/callback?code=1&state=wrong&state=${state}`],
    ['a forged error without state', '/oauth/callback?error=access_denied'],
    ['a forged error with a wrong state', '/oauth/callback?error=access_denied&state=wrong'],
  ])('refuses %s and goes on waiting', async (_what, path) => {
    const { port, response, hasArrived } = await open();
    const { status, text } = await send(port, path);
    expect(status).toBe(400);
    expect(text).toContain('Nothing to do here');
    expect(text).not.toContain('mcp.example.com');
    expect(hasArrived()).toBe(false);
    const page = send(port, good);
    await (await response).succeed();
    expect((await page).status).toBe(200);
  });

  it.each([
    'evil.example.com',
    'evil.example.com:3334',
    'localhost',
    'localhost:1',
    'localhost.evil.example.com',
  ])('refuses the Host %s and goes on waiting', async (host) => {
    const { port, hasArrived } = await open();
    expect((await send(port, good, { host })).status).toBe(400);
    expect(hasArrived()).toBe(false);
  });

  it.each(['HEAD', 'POST', 'PUT', 'OPTIONS'])('refuses %s and goes on waiting', async (method) => {
    const { port, hasArrived } = await open();
    expect((await send(port, good, { method })).status).toBe(405);
    expect(hasArrived()).toBe(false);
  });

  it('refuses everything before a response is expected', async () => {
    const port = await freePort();
    const server = await openCallbackServer('localhost', port);
    onTestFinished(() => server.close());
    expect((await send(port, good)).status).toBe(400);
    expect((await send(port, '/oauth/callback?code=1&state=')).status).toBe(400);
  });

  it('answers a second response with the same state too, as one that nobody waits for', async () => {
    const { port, response } = await open();
    const first = send(port, good);
    const arrived = await response;
    expect((await send(port, good)).status).toBe(400);
    await arrived.succeed();
    expect((await first).status).toBe(200);
  });

  it('does not wait for a browser that has gone', async () => {
    const { port, response } = await open();
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${good} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    const arrived = await response;
    socket.destroy();
    await expect(arrived.succeed()).resolves.toBeUndefined();
  });
});

describe('the callback port', () => {
  it.each(['127.0.0.1', '::1', '0.0.0.0', '::'])(
    'is in use when another program has it on %s',
    async (address) => {
      const port = await freePort();
      const squatter = createServer().listen(port, address);
      await once(squatter, 'listening');
      onTestFinished(() => void squatter.close());
      const { code, message, remedy } = await refusalOf(() => openCallbackServer('localhost', port));
      expect(code).toBe('callback-port-in-use');
      expect(message).toContain(`Port ${port}`);
      expect(remedy).toContain(`--port ${port + 1}`);
      // What was opened before that was found out is closed again.
      const other = address.includes(':') ? '127.0.0.1' : '::1';
      if (address === '127.0.0.1' || address === '::1') expect(await isFree(port, other)).toBe(true);
    },
  );

  it('is free again after close, which cuts connections', async () => {
    const { port, server } = await open();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const page = send(port, good).catch((error: unknown) => error);
    const ended = once(socket, 'close');
    await server.close();
    await ended;
    expect(await page).toBeInstanceOf(Error);
    expect([await isFree(port, '127.0.0.1'), await isFree(port, '::1')]).toEqual([true, true]);
  });
});
