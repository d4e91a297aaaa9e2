import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { StateFolder } from '../../src/state-folder.ts';
import { AuthorizationServer, clientId } from '../support/authorization-server.ts';
import { commandRuns } from '../support/sign-in-commands.ts';
import { refusalOf } from '../support/failure.ts';
import { freePort, loopbackServer, sendJson, type LoopbackServer } from '../support/loopback-server.ts';

const loginAt = async (...argv: string[]): Promise<string> => {
  const { login } = await commandRuns();
  const { exitCode, printed } = await login(argv);
  expect(exitCode).toBe(0);
  return printed;
};

/** A server without a sign-in that has sessions, and answers as a stream or as JSON. */
const openServer = (asStream: boolean, deletion = 204): Promise<LoopbackServer> =>
  loopbackServer(({ method, body }, response) => {
    if (method === 'DELETE') {
      response.writeHead(deletion).end();
      return;
    }
    const { id } = JSON.parse(body) as { id: number };
    const result = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      serverInfo: { name: 'Open\u001b[2J', version: '1' },
    };
    const answer = { jsonrpc: '2.0', id, result };
    if (asStream) sendStream(response, answer);
    else sendJson(response, 200, answer, { 'mcp-session-id': 'session-1' });
  });

function sendStream(response: ServerResponse, message: unknown): void {
  response
    .writeHead(200, { 'content-type': 'text/event-stream', 'mcp-session-id': 'session-1' })
    .end(`data: ${JSON.stringify(message)}\n\n`);
}

describe('login', () => {
  it.each([
    ['as a stream', true],
    ['as JSON', false],
  ])(
    'at a server that wants no sign-in and answers %s says so, and ends its session',
    async (_how, asStream) => {
      const server = await openServer(asStream);
      expect(await loginAt(`${server.url}/mcp`)).toBe(
        `${server.url}/mcp (Open) answers without a sign-in.\n`,
      );
      expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'POST', 'DELETE']);
    },
  );

  it('does not mind a server that cannot end its session', async () => {
    const server = await openServer(true, 500);
    expect(await loginAt(`${server.url}/mcp`)).toContain('answers without a sign-in');
  });

  it('needs a client at a server that wants a sign-in', async () => {
    const { resource } = await AuthorizationServer.start();
    expect((await refusalOf(() => loginAt(resource.href))).code).toBe('client-not-registered');
  });

  it('says that nobody listens', async () => {
    const server = await openServer(true);
    await server.close();
    expect((await refusalOf(() => loginAt(`${server.url}/mcp`))).code).toBe('server-unreachable');
  });

  it('refuses memory, where the sign-in would be gone at once', async () => {
    const { code } = await refusalOf(() => loginAt('http://localhost:1/mcp', '--token-store', 'memory'));
    expect(code).toBe('memory-store-refused');
  });

  it('signs in, tells until when and where the tokens are, and the second time that it has', async () => {
    const provider = await AuthorizationServer.start({ registers: true });
    const { signIn, login, folder } = await commandRuns();
    const argv = [provider.resource.href, String(await freePort())];
    const first = await signIn(argv);
    expect(first.exitCode).toBe(0);
    expect(first.printed).toBe(
      `Signed in to ${provider.resource.href}.\n` +
        `  issuer    ${provider.issuer}\n` +
        '  scopes    openid get_name offline_access\n' +
        '  token     ends in 59 minutes; renewed by itself\n' +
        `  kept in   files in ${folder} (not encrypted)\n`,
    );
    expect((await login(argv)).printed).toContain(`Already signed in to ${provider.resource.href}.`);
    for (const secret of provider.tokens.secrets) expect(first.printed + first.said).not.toContain(secret);
  });

  it('keeps the sign-ins of two profiles apart', async () => {
    const provider = await AuthorizationServer.start({ registers: true });
    const { signIn, login, status } = await commandRuns();
    const argv = [provider.resource.href, String(await freePort())];
    await signIn(argv);
    expect((await signIn([...argv, '--profile', 'work'])).printed).toContain('Signed in to');
    expect((await login([...argv, '--profile', 'work'])).printed).toContain('Already signed in');
    expect((await status()).printed.match(/ {2}profile {3}work/gu)).toHaveLength(1);
    expect(provider.tokenRequests('authorization_code')).toHaveLength(2);
  });

  it('finds the sign-in again under another port, and after the index was lost', async () => {
    const provider = await AuthorizationServer.start();
    const { signIn, login, folder } = await commandRuns();
    const argv = [
      provider.resource.href,
      '--static-oauth-client-info',
      JSON.stringify({ client_id: clientId }),
    ];
    await signIn([...argv, String(await freePort())]);
    await new StateFolder(folder).remove('sign-ins.json');
    expect((await login(argv)).printed).toContain('Already signed in');
  });
});
