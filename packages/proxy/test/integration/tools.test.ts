import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AuthorizationServer, clientId } from '../support/authorization-server.ts';
import { machine } from '../support/command-run.ts';
import { refusalOf } from '../support/failure.ts';
import { helloServer } from '../support/hello-server.ts';
import { freePort, loopbackServer } from '../support/loopback-server.ts';
import { addTool, methodsOf, toolServer } from '../support/tool-server.ts';

const client = ['--static-oauth-client-info', JSON.stringify({ client_id: clientId })];

afterEach(() => void vi.unstubAllEnvs());

describe('tools', () => {
  it('shows name, title, hints, description, and the arguments with their types', async () => {
    const { resource } = await toolServer();
    const { run } = await machine();
    expect(await run(['tools', resource.href])).toMatchObject({
      exitCode: 0,
      stdout:
        'add  Add numbers  (read-only, idempotent)\n' +
        '  Adds two numbers.\n' +
        '    a  number, required  The first\n' +
        '    b  number\n',
    });
  });

  it('lists the tools of a server of the modern era', async () => {
    const { run } = await machine();
    const { stdout } = await run(['tools', (await helloServer()).href]);
    expect(stdout).toContain(
      "get_name  Get name  (read-only)\n  Get the authenticated user's name from FusionAuth.\n",
    );
    expect(stdout.match(/^\w+(?= {2})/gmu)).toEqual(['get_name', 'set_greeting', 'countdown']);
  });

  it('prints the list as it came with --json', async () => {
    const { resource } = await toolServer();
    const { run } = await machine();
    const { stdout } = await run(['tools', resource.href, '--json']);
    expect(JSON.parse(stdout)).toEqual([addTool]);
  });

  it('follows the pages of the list, then ends the session', async () => {
    const tools = ['one', 'two', 'three'].map((name) => ({ ...addTool, name }));
    const server = await toolServer({ tools, pageSize: 1 });
    const { run } = await machine();
    const { stdout } = await run(['tools', server.resource.href, '--json']);
    expect((JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)).toEqual([
      'one',
      'two',
      'three',
    ]);
    expect(methodsOf(server).filter((method) => method === 'tools/list')).toHaveLength(3);
    expect(server.requests.at(-1)?.method).toBe('DELETE');
  });

  it('writes types as a person would', async () => {
    const properties = {
      unit: { enum: ['C', 'F'] },
      names: { type: 'array', items: { type: 'string' } },
      either: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      both: { type: ['integer', 'null'] },
      fixed: { const: 7 },
      anything: {},
    };
    const { resource } = await toolServer({
      tools: [{ name: 'types', inputSchema: { type: 'object', properties } }],
    });
    const { run } = await machine();
    expect((await run(['tools', resource.href])).stdout).toBe(
      'types\n' +
        '    unit      "C" | "F"\n' +
        '    names     string[]\n' +
        '    either    string | null\n' +
        '    both      integer | null\n' +
        '    fixed     7\n' +
        '    anything  any\n',
    );
  });

  it('keeps what a server says on its line, without control characters', async () => {
    const hostile = 'nice\u001b[2J\nrm -rf\u202e';
    const tool = {
      name: hostile,
      title: hostile,
      description: hostile,
      inputSchema: { type: 'object', properties: { [hostile]: { type: 'string', description: hostile } } },
    };
    const { resource } = await toolServer({ tools: [tool] });
    const { run } = await machine();
    expect((await run(['tools', resource.href])).stdout).toBe(
      'nice rm -rf  nice rm -rf\n  nice rm -rf\n    nice rm -rf  string  nice rm -rf\n',
    );
  });

  it('has colours on a terminal, and none elsewhere', async () => {
    vi.stubEnv('NO_COLOR', '');
    const { resource } = await toolServer();
    const { run } = await machine();
    expect((await run(['tools', resource.href], { isTTY: true })).stdout).toContain('\u001b[1madd');
    expect((await run(['tools', resource.href])).stdout).not.toContain('\u001b');
  });

  it('says that there are none', async () => {
    const { resource } = await toolServer({ tools: [] });
    const { run } = await machine();
    expect((await run(['tools', resource.href])).stdout).toBe(`${resource.href} has no tools.\n`);
  });

  it('signs in where that is wanted, once', async () => {
    const provider = await AuthorizationServer.start();
    const { resource } = await toolServer({ provider });
    const { run } = await machine();
    const port = String(await freePort());
    const first = await run(['tools', resource.href, port, ...client]);
    expect(first.stdout).toContain('add  Add numbers');
    expect(first.signIns).toBe(1);
    const second = await run(['tools', resource.href, port, ...client]);
    expect(second.stdout).toBe(first.stdout);
    expect(second.signIns).toBe(0);
  });

  it('says that nobody listens, and what is no MCP server', async () => {
    const server = await toolServer();
    const { run } = await machine();
    const elsewhere = new URL('/other', server.url).href;
    expect((await refusalOf(() => run(['tools', elsewhere]))).code).toBe('server-error');
    await server.close();
    expect((await refusalOf(() => run(['tools', server.resource.href]))).code).toBe('server-unreachable');
  });

  it('leaves out what the user hides', async () => {
    const tools = ['read', 'write', 'erase'].map((name) => ({ ...addTool, name }));
    const { resource } = await toolServer({ tools });
    const { run } = await machine();
    const names = async (...flags: string[]): Promise<string[]> => {
      const { stdout } = await run(['tools', resource.href, '--json', ...flags]);
      return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    };
    expect(await names()).toEqual(['read', 'write', 'erase']);
    expect(await names('--ignore-tool', 'er*')).toEqual(['read', 'write']);
    expect(await names('--allow-tool', 'read')).toEqual(['read']);
  });

  it('speaks with a server of 2024-11-05, and so does the doctor', async () => {
    const url = await eventStreamServer();
    const { run } = await machine();
    expect((await run(['tools', url, '--transport', 'sse-only'])).stdout).toContain('add  Add numbers');
    const { stdout } = await run(['doctor', url, '--transport', 'sse-only']);
    expect(stdout).toContain('Old (protocol 2024-11-05, 1 tool) wants no sign-in');
  });
});

/** A server that answers on one event stream and keeps silent at what it does not know. */
async function eventStreamServer(): Promise<string> {
  let stream: ServerResponse | undefined;
  const results: Record<string, object> = {
    initialize: {
      protocolVersion: '2024-11-05',
      capabilities: { tools: {} },
      serverInfo: { name: 'Old', version: '1' },
    },
    'tools/list': { tools: [addTool] },
  };
  const { url } = await loopbackServer(({ method, path, body }, response) => {
    if (method === 'GET' && path === '/sse') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      stream.write('event: endpoint\ndata: /messages\n\n');
      return;
    }
    response.writeHead(path === '/messages' ? 202 : 404).end();
    const { id, method: name } = JSON.parse(body) as { id?: unknown; method: string };
    const result = results[name];
    if (result === undefined) return;
    stream?.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
  });
  return `${url}/sse`;
}
