import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { login } from '../../src/commands/login.ts';
import { loadConfig } from '../../src/config.ts';
import { AuthorizationServer } from '../support/authorization-server.ts';
import { refusalOf } from '../support/failure.ts';
import { loopbackServer, sendJson, type LoopbackServer } from '../support/loopback-server.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What `mcp-keyhole login` without a client prints; a sign-in itself needs a keychain, and is tested end to end. */
async function loginAt(server: string, ...flags: string[]): Promise<string> {
  const invocation = loadConfig(['login', server, ...flags], { MCP_KEYHOLE_DIR: await temporaryFolder() });
  if (invocation.show !== 'nothing') throw new Error('help was asked for');
  let printed = '';
  const { log } = recordedLog();
  const { signal } = new AbortController();
  const exitCode = await login(invocation.config, new URL(server), log, signal, (text) => (printed += text));
  expect(exitCode).toBe(0);
  return printed;
}

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
      expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'DELETE']);
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
});
