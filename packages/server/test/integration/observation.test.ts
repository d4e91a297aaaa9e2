import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { startServer } from '../../src/http-server.ts';
import { createLog } from '../../src/log.ts';
import { protect } from '../../src/protect.ts';
import { Collector, type ReceivedSpan } from '../support/collector.ts';
import { clientId, FusionAuthStandIn, userId } from '../support/fusionauth-stand-in.ts';
import { v2Host } from '../support/mcp-clients.ts';
import {
  bearer,
  callGetName,
  greetingIn,
  protectedServer,
  publicUrl,
  type LogEntry,
  type ProtectedServer,
} from '../support/protected-server.ts';
import { freePort } from '../support/redis-server.ts';

async function metricsOf({ server }: ProtectedServer, path = '/metrics'): Promise<string> {
  return (await fetch(`http://127.0.0.1:${String(server.metricsPort)}${path}`)).text();
}

/** The value of a metric, by its name and a part of its labels. */
function valueOf(text: string, name: string, labels = ''): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(name) && each.includes(labels));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

async function callTool(
  endpoint: string,
  token: string,
  name: string,
  signal?: AbortSignal,
): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      ...bearer(token),
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } }),
    ...(signal && { signal }),
  });
  return response.text();
}

describe('the log', () => {
  it('says who called which tool through which client, with the id that the answer carries', async () => {
    await using running = await protectedServer();
    const response = await callGetName(running.endpoint, {
      ...bearer(await running.fusionAuth.token()),
      'X-Request-Id': 'from-the-proxy',
    });
    expect(response.headers.get('x-request-id')).toBe('from-the-proxy');
    await response.text();
    const requestId = 'from-the-proxy';
    const caller = { user: userId, clientId, scope: 'openid profile get_name' };
    const milliseconds = expect.any(Number) as number;
    expect(running.entries('access token accepted')).toMatchObject([
      { requestId, ...caller, outcome: 'accepted', verifier: 'api', milliseconds },
    ]);
    expect(running.entries('tool called')).toMatchObject([
      { requestId, ...caller, tool: 'get_name', outcome: 'ok', milliseconds },
    ]);
    expect(running.entries('audit')).toMatchObject([
      {
        audit: true,
        requestId,
        action: 'tools/call',
        tool: 'get_name',
        user: userId,
        clientId,
        address: '127.0.0.1',
        outcome: 'ok',
      },
    ]);
  });

  it('tells of a known token in the line of the answer alone', async () => {
    await using running = await protectedServer();
    const token = await running.fusionAuth.token();
    for (const id of ['new', 'known']) {
      await (await callGetName(running.endpoint, { ...bearer(token), 'X-Request-Id': id })).text();
    }
    await expect.poll(() => running.entries('MCP request answered')).toHaveLength(2);
    expect(running.entries('access token accepted')).toMatchObject([{ requestId: 'new', cache: 'miss' }]);
    const caller = { user: userId, clientId, scope: 'openid profile get_name' };
    const answered = {
      method: 'POST',
      status: 200,
      ...caller,
      milliseconds: expect.any(Number) as number,
    };
    expect(running.entries('MCP request answered')).toMatchObject([
      { requestId: 'new', ...answered, cache: 'miss' },
      { requestId: 'known', ...answered, cache: 'hit' },
    ]);
  });

  it('tells of a known token whose client goes away before the answer', async () => {
    const leaving = new AbortController();
    await using running = await protectedServer({
      createMcpServer: () => {
        const mcp = new McpServer({ name: 'own', version: '1.0.0' });
        mcp.registerTool('leave', {}, async ({ mcpReq: { signal } }) => {
          leaving.abort();
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          return { content: [] };
        });
        return mcp;
      },
    });
    const token = await running.fusionAuth.token();
    await callTool(running.endpoint, token, 'other');
    await expect(callTool(running.endpoint, token, 'leave', leaving.signal)).rejects.toThrow();
    await expect
      .poll(() => running.entries('MCP request answered'))
      .toMatchObject([
        { user: userId, cache: 'miss' },
        { user: userId, cache: 'hit' },
      ]);
  });

  it('tells of each request to an app that logs no answers, however well the token is known', async () => {
    const resource = `${publicUrl}/mcp`;
    const fusionAuth = await FusionAuthStandIn.start(resource);
    const lines: string[] = [];
    const log = createLog({ destination: { write: (line) => void lines.push(line) } });
    const app = express();
    app.use(protect({ resource, issuer: fusionAuth.url, log }));
    app.post('/mcp', (_request, response) => void response.sendStatus(200));
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const token = await fusionAuth.token();
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    for (let call = 0; call < 2; call += 1) await (await callGetName(endpoint, bearer(token))).text();
    await promisify(server.close.bind(server))();
    await fusionAuth.close();
    const accepted = { msg: 'access token accepted', user: userId, clientId };
    expect(lines.map((line) => JSON.parse(line) as LogEntry)).toMatchObject([accepted, accepted]);
  });

  it('gives a refused token its request id, and makes one where none that is sane came', async () => {
    await using running = await protectedServer();
    const response = await callGetName(running.endpoint, {
      ...bearer(await running.fusionAuth.forgedToken()),
      'X-Request-Id': '{"forged":"line"}',
    });
    const id = response.headers.get('x-request-id');
    expect(id).toMatch(/^[\da-f-]{36}$/u);
    const milliseconds = expect.any(Number) as number;
    expect(running.entries('access token refused')).toMatchObject([
      { requestId: id, reason: 'invalid-or-expired', verifier: 'api', milliseconds },
    ]);
  });

  it('keeps the requests of one moment apart', async () => {
    await using running = await protectedServer();
    const ids = Array.from({ length: 20 }, (_, index) => `request-${index}`);
    await Promise.all(
      ids.map(async (id) => {
        const token = await running.fusionAuth.token({ sub: `user of ${id}` });
        await (await callGetName(running.endpoint, { ...bearer(token), 'X-Request-Id': id })).text();
      }),
    );
    const pairs = running.entries('tool called').map(({ requestId, user }) => [requestId, user]);
    expect(new Map(pairs as [string, string][])).toEqual(new Map(ids.map((id) => [id, `user of ${id}`])));
  });
});

describe('a tool call', () => {
  /** A server of one's own, with a tool for each way to end. */
  async function outcomes(names: string[]): Promise<{ entries: LogEntry[]; metrics: string }> {
    const lines: string[] = [];
    const server = await startServer(
      loadConfig(['--port', '0', '--auth', 'off', '--metrics-port', '0'], {}),
      {
        log: createLog({ destination: { write: (line) => void lines.push(line) } }),
        createMcpServer: () => {
          const mcp = new McpServer({ name: 'own', version: '1.0.0' });
          mcp.registerTool('fine', {}, () => ({ content: [{ type: 'text', text: 'fine' }] }));
          mcp.registerTool('fails', {}, () => {
            throw new Error('no luck');
          });
          return mcp;
        },
      },
    );
    for (const name of names) await callTool(`http://127.0.0.1:${server.port}/mcp`, 'none', name);
    const metrics = await (await fetch(`http://127.0.0.1:${String(server.metricsPort)}/metrics`)).text();
    await server.close();
    const entries = lines.map((line) => JSON.parse(line) as LogEntry);
    return { entries: entries.filter(({ msg }) => msg === 'tool called'), metrics };
  }

  it("is observed on anyone's server, with each way to end", async () => {
    const { entries, metrics } = await outcomes(['fine', 'fails', 'no-such-tool']);
    expect(entries.map(({ tool, outcome }) => [tool, outcome])).toEqual([
      ['fine', 'ok'],
      ['fails', 'tool-error'],
      ['no-such-tool', 'refused'],
    ]);
    const count = 'mcp_keyhole_tool_call_duration_seconds_count';
    expect(valueOf(metrics, count, 'tool="fine",outcome="ok"')).toBe(1);
    expect(valueOf(metrics, count, 'tool="fails",outcome="tool-error"')).toBe(1);
  });

  it('of a name that nobody knows makes no metric grow, and forges no log line', async () => {
    const { entries, metrics } = await outcomes(['a', 'b', 'c\n{"audit":true}', 'x'.repeat(1_000)]);
    expect(metrics).not.toMatch(/tool="(?!unknown)/u);
    expect(valueOf(metrics, 'mcp_keyhole_tool_call_duration_seconds_count', 'tool="unknown"')).toBe(4);
    for (const { tool } of entries) expect(String(tool).length).toBeLessThan(200);
  });

  it('is observed in the modern era as well', async () => {
    await using running = await protectedServer();
    await v2Host('auto')(running.endpoint, await running.fusionAuth.token());
    expect(running.entries('tool called')).toMatchObject([{ tool: 'get_name', outcome: 'ok', user: userId }]);
  });
});

describe('the metrics', () => {
  it('count requests, validations and refusals, and the process', async () => {
    await using running = await protectedServer({ env: { METRICS_PORT: '0', RATE_LIMIT_USER: '1' } });
    const token = await running.fusionAuth.token();
    for (const each of [token, token, await running.fusionAuth.forgedToken()]) {
      await (await callGetName(running.endpoint, bearer(each))).text();
    }
    const text = await metricsOf(running);
    const requests = 'mcp_keyhole_http_request_duration_seconds_count';
    expect(valueOf(text, requests, 'method="POST",route="/mcp",status="200"')).toBe(1);
    expect(valueOf(text, requests, 'status="429"')).toBe(1);
    expect(valueOf(text, requests, 'status="401"')).toBe(1);
    const validations = 'mcp_keyhole_token_validation_duration_seconds_count';
    expect(valueOf(text, validations, 'verifier="api",outcome="accepted",cache="miss"')).toBe(1);
    expect(valueOf(text, validations, 'verifier="cache",outcome="accepted",cache="hit"')).toBe(1);
    expect(valueOf(text, validations, 'outcome="invalid-or-expired"')).toBe(1);
    expect(valueOf(text, 'mcp_keyhole_rate_limit_refusals_total', 'limit="user"')).toBe(1);
    expect(valueOf(text, 'mcp_keyhole_active_streams')).toBe(0);
    expect(valueOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  });

  it('do not grow with the paths and methods of strangers', async () => {
    await using running = await protectedServer({ env: { METRICS_PORT: '0' } });
    for (const path of ['/a', '/b', '/.well-known/x']) await fetch(new URL(path, running.endpoint));
    await fetch(running.endpoint, { method: 'PROPFIND' });
    const text = await metricsOf(running);
    expect(valueOf(text, 'mcp_keyhole_http_request_duration_seconds_count', 'route="other"')).toBe(3);
    expect(text).not.toContain('PROPFIND');
  });

  it('hold neither user nor client nor token', async () => {
    await using running = await protectedServer({ env: { METRICS_PORT: '0' } });
    const token = await running.fusionAuth.token();
    await (await callGetName(running.endpoint, bearer(token))).text();
    const text = await metricsOf(running);
    for (const secret of [userId, clientId, ...token.split('.')]) expect(text).not.toContain(secret);
  });

  it('are on a port of their own only, for this machine only', async () => {
    await using running = await protectedServer({ env: { METRICS_PORT: '0' } });
    expect((await fetch(new URL('/metrics', running.endpoint))).status).toBe(404);
    expect(running.entries('listening')).toMatchObject([{ metricsPort: running.server.metricsPort }]);
    expect(await metricsOf(running, '/other')).toBe('');
    // Of this machine too (where all of 127.0.0.0/8 is), but another address than the one that is listened on.
    await expect(fetch(`http://127.0.0.2:${running.server.metricsPort}/metrics`)).rejects.toThrow(
      'fetch failed',
    );
    await using without = await protectedServer();
    expect(without.server.metricsPort).toBeUndefined();
  });

  it('name their own option when their port is in use', async () => {
    await using running = await protectedServer({ env: { METRICS_PORT: '0' } });
    await expect(
      startServer(loadConfig(['--port', '0', '--metrics-port', String(running.server.metricsPort)], {}), {
        log: createLog({ destination: { write: () => undefined } }),
      }),
    ).rejects.toMatchObject({
      code: 'port-in-use',
      remedy: expect.stringContaining('--metrics-port') as string,
    });
  });
});

describe('readiness', () => {
  const readiness = async (running: ProtectedServer, query = ''): Promise<[number, unknown]> => {
    const response = await fetch(new URL(`/readyz${query}`, running.endpoint));
    return [response.status, ((await response.json()) as { checks: unknown }).checks];
  };

  it('is given when FusionAuth answers, and many questions are one to FusionAuth', async () => {
    await using running = await protectedServer();
    await running.fusionAuth.receives('/.well-known/openid-configuration');
    const before = running.fusionAuth.requests.length;
    const answers = await Promise.all(Array.from({ length: 20 }, async () => readiness(running)));
    expect(answers).toEqual(
      Array.from({ length: 20 }, () => [200, { draining: 'ok', 'shared-state': 'ok', fusionauth: 'ok' }]),
    );
    expect(running.fusionAuth.requests.length - before).toBeLessThanOrEqual(1);
  });

  it('is not given while FusionAuth is away, but for who does not ask about it', async () => {
    await using running = await protectedServer();
    await running.fusionAuth.close();
    expect(await readiness(running)).toMatchObject([503, { fusionauth: 'not reachable' }]);
    expect(await readiness(running, '?exclude=fusionauth')).toMatchObject([200, { draining: 'ok' }]);
    expect((await fetch(new URL('/healthz', running.endpoint))).status).toBe(200);
  });

  it('is not given before the revocations have been read from Redis, whoever asks', async () => {
    await using running = await protectedServer({
      env: { REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
    });
    expect(await readiness(running, '?exclude=fusionauth&exclude=shared-state')).toMatchObject([
      503,
      { 'shared-state': 'the revocations have not been read from Redis yet' },
    ]);
  });
});

describe('the traces', () => {
  const attribute = (span: ReceivedSpan, key: string): unknown =>
    Object.values(span.attributes.find((each) => each.key === key)?.value ?? {})[0];

  it('show a request, its validation and its tool call, as part of the trace of the caller', async () => {
    await using collector = await Collector.start();
    const running = await protectedServer({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    const token = await running.fusionAuth.token();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const response = await callGetName(running.endpoint, {
      ...bearer(token),
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    });
    expect(await greetingIn(response)).toBe('Hello, Test User!');
    // The end sends what is left.
    await running[Symbol.asyncDispose]();

    expect(collector.paths).toContain('/v1/traces');
    const [request, validation, call] = ['POST /mcp', 'validate access token', 'tools/call'].map((name) =>
      collector.spans.find((span) => span.name === name),
    );
    if (request === undefined || validation === undefined || call === undefined) {
      throw new Error(`only ${collector.spans.map(({ name }) => name).join(', ')} came`);
    }
    expect(request).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' });
    expect(validation).toMatchObject({ traceId, parentSpanId: request.spanId });
    expect(call).toMatchObject({ traceId, parentSpanId: request.spanId });
    expect(attribute(call, 'gen_ai.tool.name')).toBe('get_name');
    expect(attribute(request, 'mcp_keyhole.request_id')).toBe(response.headers.get('x-request-id'));
    for (const part of token.split('.')) expect(collector.bodies.join('')).not.toContain(part);
  });

  it('mark a refused token as a failure', async () => {
    await using collector = await Collector.start();
    const running = await protectedServer({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    await callGetName(running.endpoint, bearer(await running.fusionAuth.forgedToken()));
    await running[Symbol.asyncDispose]();
    const validation = collector.spans.find(({ name }) => name === 'validate access token');
    expect(validation).toMatchObject({ status: { code: 2, message: 'invalid-or-expired' } });
  });

  it('end the server in time although the collector is away', async () => {
    const running = await protectedServer({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` },
    });
    expect((await callGetName(running.endpoint, bearer(await running.fusionAuth.token()))).status).toBe(200);
    const begin = performance.now();
    await running[Symbol.asyncDispose]();
    expect(performance.now() - begin).toBeLessThan(4_000);
    expect(running.entries('the last traces were not sent')).toHaveLength(1);
  });
});
