import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { startServer, type RunningServer } from '../../src/http-server.ts';
import { createLog } from '../../src/log.ts';
import { callGetName } from '../support/protected-server.ts';
import { ways } from '../support/ways.ts';
import { ServerProcess } from '../support/server-process.ts';

/** A server whose tool `get_name` answers when it is released. */
class SlowServer {
  readonly server: RunningServer;
  readonly release: () => void;
  readonly called: Promise<void>;
  readonly lines: string[];

  private constructor(server: RunningServer, release: () => void, called: Promise<void>, lines: string[]) {
    this.server = server;
    this.release = release;
    this.called = called;
    this.lines = lines;
  }

  static async start(env: Record<string, string>): Promise<SlowServer> {
    let release = (): void => undefined;
    let report = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const called = new Promise<void>((resolve) => (report = resolve));
    const lines: string[] = [];
    const server = await startServer(loadConfig(['--port', '0', '--auth', 'off'], env), {
      log: createLog({ destination: { write: (line) => void lines.push(line) } }),
      createMcpServer: () => {
        const mcp = new McpServer({ name: 'slow', version: '1.0.0' });
        mcp.registerTool('get_name', {}, async () => {
          report();
          await released;
          return { content: [{ type: 'text', text: 'at last' }] };
        });
        return mcp;
      },
    });
    return new SlowServer(server, release, called, lines);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.server.port}/mcp`;
  }

  /** A call of the modern era, whose requests name their method. */
  async callModern(method: string, params: object): Promise<Response> {
    return fetch(this.endpoint, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'Mcp-Protocol-Version': '2026-07-28',
        'Mcp-Method': method,
        'Mcp-Name': 'get_name',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method,
        params: {
          ...params,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    });
  }
}

/** A GET on a connection that is kept. */
async function get(agent: Agent, port: number, path: string): Promise<IncomingMessage> {
  const sent = request({ agent, port, path, host: '127.0.0.1' }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response;
}

describe('a server that is asked to end', () => {
  it('says that it is not ready, serves on for the delay, and then refuses connections', async () => {
    const slow = await SlowServer.start({ DRAIN_DELAY: '0.5' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { port } = slow.server;
    expect((await get(agent, port, '/readyz')).statusCode).toBe(200);
    const closed = slow.server.close();
    const readiness = await get(agent, port, '/readyz');
    expect(readiness.statusCode).toBe(503);
    expect(readiness.headers.connection).toBe('close');
    expect((await get(agent, port, '/healthz')).statusCode).toBe(200);
    await closed;
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
    agent.destroy();
  });

  it.each(['legacy', 'modern'])('lets a %s call under way finish', async (era) => {
    const slow = await SlowServer.start({});
    const answer =
      era === 'legacy'
        ? callGetName(slow.endpoint)
        : slow.callModern('tools/call', { name: 'get_name', arguments: {} });
    await slow.called;
    const closed = slow.server.close();
    slow.release();
    expect(await (await answer).text()).toContain('at last');
    await closed;
    expect(slow.lines.join('')).not.toContain('cut off');
  });

  it.each(Object.entries(ways))('lets no %s call keep its connection', async (_way, senderAt) => {
    const config = loadConfig(['--port', '0', '--auth', 'off'], {});
    const log = createLog({ destination: { write: () => undefined } });
    const listener = createApp(config, { log, draining: AbortSignal.abort() }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const send = await senderAt(`http://127.0.0.1:${port}/mcp`, 'none');
    const answer = await send('tools/call', { name: 'get_name', arguments: {} });
    expect(answer.headers.get('connection')).toBe('close');
    expect(await answer.text()).toContain('Hello, World!');
    listener.close();
    await once(listener, 'close');
  });

  it('cuts a call off that does not finish within the drain timeout, and says so', async () => {
    const slow = await SlowServer.start({ DRAIN_TIMEOUT: '0.2' });
    const answer = callGetName(slow.endpoint).then(
      async (response) => response.text(),
      () => 'cut',
    );
    await slow.called;
    const begin = performance.now();
    await slow.server.close();
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(await answer.catch(() => 'cut')).not.toContain('at last');
    expect(slow.lines.join('')).toContain('requests were cut off');
  });

  it('ends a subscription at once, since it has no end of its own', async () => {
    const slow = await SlowServer.start({});
    const stream = await slow.callModern('subscriptions/listen', {
      notifications: { toolsListChanged: true },
    });
    expect(stream.status).toBe(200);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const begin = performance.now();
    await slow.server.close();
    expect(performance.now() - begin).toBeLessThan(2_000);
    await stream.text().catch(() => 'cut');
  });

  it('does not wait for idle connections', async () => {
    const slow = await SlowServer.start({});
    const agent = new Agent({ keepAlive: true });
    await get(agent, slow.server.port, '/healthz');
    const begin = performance.now();
    await slow.server.close();
    expect(performance.now() - begin).toBeLessThan(1_000);
    agent.destroy();
  });

  it.skipIf(process.platform === 'win32')('ends at once at a second signal (Windows has none)', async () => {
    const server = new ServerProcess(['--port', '0', '--auth', 'off', '--drain-delay', '60']);
    await server.entry('listening');
    server.child.kill('SIGTERM');
    await server.entry('stopping');
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(143);
  });
});
