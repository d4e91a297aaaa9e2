import { describe, expect, it } from 'vitest';
import { AuthorizationServer } from '../support/authorization-server.ts';
import { machine } from '../support/command-run.ts';
import { everythingIn, refusalOf } from '../support/failure.ts';
import { loopbackServer } from '../support/loopback-server.ts';
import { toolServer } from '../support/tool-server.ts';

const value = 'sk-very-secret';

describe('secret set', () => {
  it('reads the value from stdin, without its line feed, and never prints it', async () => {
    const { run } = await machine();
    const { exitCode, stdout, asked, log } = await run(['secret', 'set', 'api-key'], { input: `${value}\n` });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('The secret api-key is kept in files in');
    expect(stdout).toContain('${keychain:api-key}');
    expect(`${stdout}${asked}${log.text()}`).not.toContain(value);
    expect(asked).toBe('');
  });

  it('asks for the value on a terminal, and does not show it', async () => {
    const { run } = await machine();
    const { stdout, asked } = await run(['secret', 'set', 'api-key'], { input: `${value}\r`, isTTY: true });
    expect(asked).toBe('Value of the secret api-key (it is not shown): \n');
    expect(stdout).not.toContain(value);
    const { resource, requests } = await toolServer();
    await run(['tools', resource.href, '--header', 'X-Key: ${keychain:api-key}']);
    expect(requests[0]?.headers['x-key']).toBe(value);
  });

  it.each([
    ['nothing', '', 'it is empty'],
    ['blanks', ' \n', 'it is empty'],
    ['two lines', 'hunter\nhunter2\n', 'more than one line'],
    ['what no header can carry', 'hunter\u0000', 'does not allow'],
  ])('refuses %s, and keeps nothing', async (_what, input, reason) => {
    const { run } = await machine();
    const error = await refusalOf(() => run(['secret', 'set', 'api-key'], { input }));
    expect(error.message).toContain(reason);
    expect(error.exitCode).toBe(2);
    expect(everythingIn(error)).not.toContain('hunter');
    expect((await run(['secret', 'list'])).stdout).toBe('There are no secrets.\n');
  });

  it.each([[['secret']], [['secret', 'sett', 'a']], [['secret', 'set']], [['secret', 'set', 'a b']]])(
    'refuses %j with exit code 2',
    async (argv) => {
      const { run } = await machine();
      expect((await refusalOf(() => run(argv, { input: 'x' }))).exitCode).toBe(2);
    },
  );
});

describe('secret list and remove', () => {
  it('show the names, never the values', async () => {
    const { run } = await machine();
    await run(['secret', 'set', 'b'], { input: value });
    await run(['secret', 'set', 'a'], { input: value });
    expect((await run(['secret', 'list'])).stdout).toBe('a  (file)\nb  (file)\n');
    expect(JSON.parse((await run(['secret', 'list', '--json'])).stdout)).toEqual([
      { name: 'a', store: 'file' },
      { name: 'b', store: 'file' },
    ]);
    expect((await run(['secret', 'remove', 'a'])).stdout).toContain('Removed the secret a from files in');
    expect((await run(['secret', 'remove', 'a'])).stdout).toBe('There was no secret a.\n');
    expect((await run(['secret', 'list'])).stdout).toBe('b  (file)\n');
  });
});

describe('${keychain:NAME} in a header', () => {
  it('is the secret in every request, in the place of the bearer token too', async () => {
    const { run } = await machine();
    await run(['secret', 'set', 'key'], { input: value });
    await run(['secret', 'set', 'other'], { input: 'two' });
    const { resource, requests } = await toolServer();
    const headers = [
      'Authorization: Bearer ${keychain:key}',
      'X-Both: ${keychain:key}/${keychain:other}',
      'X-Plain: p',
    ];
    const { log } = await run(['tools', resource.href, ...headers.flatMap((header) => ['--header', header])]);
    expect(requests.length).toBeGreaterThan(2);
    for (const request of requests) {
      expect(request.headers).toMatchObject({
        authorization: `Bearer ${value}`,
        'x-both': `${value}/two`,
        'x-plain': 'p',
      });
    }
    expect(log.text()).not.toContain(value);
  });

  it('that is missing is an error that names the command, before any request', async () => {
    const { run } = await machine();
    const { resource, requests } = await toolServer();
    const error = await refusalOf(() => run(['tools', resource.href, '--header', 'X: ${keychain:api-key}']));
    expect(error.code).toBe('secret-missing');
    expect(error.remedy).toContain('mcp-keyhole secret set api-key --token-store file');
    expect(requests).toEqual([]);
  });

  it('is read by nobody but the user: what a server says is not replaced', async () => {
    const { run } = await machine();
    await run(['secret', 'set', 'key'], { input: value });
    const server = await loopbackServer(({ method, body }, response) => {
      if (method !== 'POST') {
        response.writeHead(405).end();
        return;
      }
      const { id, method: name } = JSON.parse(body) as { id?: unknown; method: string };
      const serverInfo = { name: 'Greedy', version: '1' };
      const result =
        name === 'initialize'
          ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo }
          : { tools: [] };
      response
        .writeHead(id === undefined ? 202 : 200, {
          'content-type': 'application/json',
          'mcp-session-id': '${keychain:key}',
        })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
    await run(['tools', `${server.url}/mcp`, '--header', 'X-Key: ${keychain:key}']);
    const sessions = server.requests.map(({ headers }) => headers['mcp-session-id']);
    expect(sessions).toContain('${keychain:key}');
    expect(sessions).not.toContain(value);
  });
});

describe('--client-secret keychain:NAME', () => {
  it('is the secret of the client, and a name without one is an error', async () => {
    const { run } = await machine();
    const provider = await AuthorizationServer.start();
    provider.clients.add({ id: 'service-1', secret: value, authentication: 'client_secret_basic' });
    const line = ['tools', provider.resource.href, '--client-credentials', '--client-id', 'service-1'];
    const missing = await refusalOf(() => run([...line, '--client-secret', 'keychain:service']));
    expect(missing.code).toBe('secret-missing');
    expect(provider.tokenRequests('client_credentials')).toEqual([]);
    await run(['secret', 'set', 'service'], { input: value });
    const given = [...line, '--scope', 'openid', '--scope', 'get_name'];
    // The provider's server has no tools, which the command says; the token comes before.
    const error = await refusalOf(() => run([...given, '--client-secret', 'keychain:service']));
    const [request] = provider.requestsTo('/token');
    const basic = Buffer.from(request?.headers.authorization?.split(' ')[1] ?? '', 'base64').toString();
    expect(decodeURIComponent(basic)).toBe(`service-1:${value}`);
    expect(new URLSearchParams(request?.body).get('scope')).toBe('openid get_name');
    expect(provider.requests.at(-1)?.headers.authorization).toMatch(/^Bearer /u);
    expect(everythingIn(error)).not.toContain(value);
  });
});
