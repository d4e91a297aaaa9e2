// FusionAuth's guide "Control MCP Server Access", its commands as written: on its ports, 8000, 9011 and 3334.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { Desktop } from './support/desktop.ts';
import { PrivateHome } from './support/private-home.ts';
import { Processes } from './support/processes.ts';
import { binFile, program } from './support/programs.ts';
import type { HostConfiguration } from './support/system.ts';

const curl = `curl -X POST http://localhost:8000/mcp \\
  -H "Content-Type: application/json" \\
  -H "Accept: application/json, text/event-stream" \\
  -d '{
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
      "name": "get_name",
      "arguments": {}
    }
  }'`;

const home = new PrivateHome();
const emulator = new Processes();
const processes = new Processes();

beforeAll(async () => {
  const running = emulator.startBin('fusionauth-emulator', [], { env: home.env });
  await running.prints('stdout', /^FusionAuth emulator ready at http:\/\/localhost:9011$/mu);
});

afterEach(() => processes.close());

afterAll(async () => {
  await emulator.close();
  home.remove();
});

async function startServer(env: Record<string, string> = {}): Promise<void> {
  const server = processes.startBin('mcp-keyhole-server', [], { env: { ...home.env, ...env } });
  await server.prints('stdout', /"msg":"listening"/u);
}

async function output(command: string): Promise<string> {
  program('curl');
  const shell = processes.start('shell', program('sh'), ['-c', command], { env: home.env, input: '' });
  expect(await shell.ended).toBe(0);
  return shell.stdout;
}

test('curl gets "Hello, World!" from the unprotected server, in the words of the guide', async () => {
  await startServer({ AUTH: 'off' });
  const [, data = ''] = /^event: message\ndata: (\{.*\})\n\n$/u.exec(await output(curl)) ?? [];
  expect(JSON.parse(data)).toEqual({
    jsonrpc: '2.0',
    id: 1,
    result: {
      content: [{ type: 'text', text: 'Hello, World!' }],
      structuredContent: { result: 'Hello, World!' },
      isError: false,
    },
  });
});

test('curl without a token gets the error of the guide from the protected server', async () => {
  await startServer();
  expect(JSON.parse(await output(curl))).toEqual({
    error: 'invalid_token',
    error_description:
      'Authentication failed. The provided bearer token is invalid, expired, or no longer recognized by the server. ' +
      'To resolve: clear authentication tokens in your MCP client and reconnect. Your client should automatically ' +
      're-register and obtain new tokens.',
  });
  expect(await output(curl.replace('curl ', 'curl -s -o /dev/null -w "%{http_code}" '))).toBe('401');
});

test('setup asks for a name and prints the configuration block, which a host then uses', async () => {
  await startServer();
  // script gives it a terminal, on which it asks; how wide that is, stty says.
  const command = `stty cols 100; '${process.execPath}' '${binFile('mcp-keyhole-setup')}'`;
  const setup = processes.start('setup', program('script'), ['-qefc', command, '/dev/null'], {
    env: { ...home.env, TERM: 'xterm' },
  });
  await setup.prints('stdout', /Name of this MCP client/u);
  setup.type('Claude Desktop\r');
  expect(await setup.ended).toBe(0);
  const text = setup.stdout.replaceAll('\r\n', '\n');

  const [, clientId = ''] = /^Client Id: ([0-9a-f-]{36})$/mu.exec(text) ?? [];
  expect(text).toContain('MCP configuration for Claude Desktop:');
  expect(text).toContain('Test user credentials:\n  Email: test@example.com\n  Password: password\n');
  const block = JSON.parse(/^\{\n[^]*?^\}$/mu.exec(text)?.[0] ?? '') as unknown;
  const scope = 'openid profile offline_access get_name';
  const args = [
    ...['http://localhost:8000/mcp', '3334', '--allow-http', '--static-oauth-client-info'],
    JSON.stringify({ client_id: clientId, scope }),
  ];
  expect(block).toEqual({
    mcpServers: { 'name-server': { command: 'npx', args: ['-y', 'mcp-keyhole', ...args] } },
  });

  const desktop = await Desktop.start();
  const browser = await Browser.start();
  try {
    // What npx would start, without a registry.
    const entry: HostConfiguration = { command: process.execPath, args: [binFile('mcp-keyhole'), ...args] };
    const greeting = desktop.host(entry).getName();
    const page = await desktop.signIn(browser);
    expect(page.url.origin + page.url.pathname).toBe('http://localhost:3334/oauth/callback');
    expect(await greeting).toBe('Hello, Test User!');
  } finally {
    await browser.close();
    await desktop.close();
  }
});

test('the block of the guide itself works with only the package name changed', async () => {
  await startServer();
  const setup = await processes.runBin('mcp-keyhole-setup', ['--name', 'Guide', '--json'], { env: home.env });
  const { clientId } = JSON.parse(setup.stdout) as { clientId: string };
  const desktop = await Desktop.start();
  const browser = await Browser.start();
  try {
    // Its scope has no offline_access: the user signs in again when the access token has expired, and that is all.
    const info = `{"client_id":"${clientId}","scope":"openid profile get_name"}`;
    const args = ['http://localhost:8000/mcp', '3334', '--allow-http', '--static-oauth-client-info', info];
    const host = desktop.host({ command: process.execPath, args: [binFile('mcp-keyhole'), ...args] });
    const greeting = host.getName();
    await desktop.signIn(browser);
    expect(await greeting).toBe('Hello, Test User!');
  } finally {
    await browser.close();
    await desktop.close();
  }
});
