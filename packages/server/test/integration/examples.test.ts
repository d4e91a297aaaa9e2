import { once } from 'node:events';
import { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../src/http-server.ts';
import { createLog } from '../../src/log.ts';
import { protect } from '../../src/protect.ts';
import { requireToolScopes } from '../../src/scopes/require-scopes.ts';
import { clientId, FusionAuthStandIn, userId } from '../support/fusionauth-stand-in.ts';
import { bearer } from '../support/protected-server.ts';
import { eventBody, secret, signatureOf } from '../support/webhook.ts';

const examples = {
  'sdk-v2': () => import('../../examples/sdk-v2.ts'),
  'sdk-v1': () => import('../../examples/sdk-v1.ts'),
  express: () => import('../../examples/express.ts'),
  whole: () => import('../../examples/whole.ts'),
  webhooks: () => import('../../examples/webhooks.ts'),
};

interface Running {
  readonly fusionAuth: FusionAuthStandIn;
  readonly url: string;
  readonly end: () => Promise<void>;
}

/** An example as its README has it, but for the addresses. */
async function listening(name: keyof typeof examples, path: string): Promise<Running> {
  const fusionAuth = await FusionAuthStandIn.start(`https://weather.example.com${path}`);
  vi.stubEnv('PORT', '0');
  vi.stubEnv('RESOURCE', fusionAuth.resource);
  vi.stubEnv('MCP_SERVER_URL', 'https://weather.example.com');
  vi.stubEnv('FUSIONAUTH_ISSUER', fusionAuth.url);
  vi.stubEnv('FUSIONAUTH_URL', fusionAuth.url);
  const { server } = await examples[name]();
  vi.unstubAllEnvs();
  const end = async (): Promise<void> => {
    await close(server);
    await fusionAuth.close();
  };
  if (!(server instanceof Server)) return { fusionAuth, url: `http://localhost:${server.port}`, end };
  if (!server.listening) await once(server, 'listening');
  return { fusionAuth, url: `http://localhost:${(server.address() as AddressInfo).port}`, end };
}

async function close(server: Server | RunningServer): Promise<void> {
  if (!(server instanceof Server)) return server.close();
  server.close();
  server.closeAllConnections();
}

describe.each(['sdk-v2', 'sdk-v1', 'whole'] as const)('the example %s', (name) => {
  let running: Running;
  beforeAll(async () => {
    running = await listening(name, '/mcp');
  });
  afterAll(async () => running.end());

  async function callForecast(token?: string): Promise<Response> {
    return fetch(`${running.url}/mcp`, {
      method: 'POST',
      headers: {
        ...(token === undefined ? {} : bearer(token)),
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"forecast","arguments":{}}}',
    });
  }

  it('answers a token with the scope of the tool, and knows whose it is', async () => {
    const answer = await callForecast(await running.fusionAuth.token({ scope: 'openid weather' }));
    expect(await answer.text()).toContain(`Sunny for ${clientId}`);
  });

  it('leads a client without a token to FusionAuth', async () => {
    const answer = await callForecast();
    expect(answer.status).toBe(401);
    const metadata = 'https://weather.example.com/.well-known/oauth-protected-resource/mcp';
    expect(answer.headers.get('www-authenticate')).toContain(`resource_metadata="${metadata}"`);
    const { pathname } = new URL(metadata);
    expect(await (await fetch(`${running.url}${pathname}`)).json()).toMatchObject({
      resource: 'https://weather.example.com/mcp',
      authorization_servers: [running.fusionAuth.url],
    });
  });

  it('refuses the token of another resource', async () => {
    const token = await running.fusionAuth.token({ aud: [clientId, 'https://other.example.com/mcp'] });
    expect((await callForecast(token)).status).toBe(401);
  });

  it('challenges a token without the scope for it and for those that it has', async () => {
    const answer = await callForecast(
      await running.fusionAuth.token({ scope: 'openid profile offline_access' }),
    );
    expect(answer.status).toBe(403);
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_scope",.*\bscope="openid profile weather", resource_metadata="/u,
    );
  });
});

describe('the scopes of tools of an MCP server that cannot declare them', () => {
  const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"forecast","arguments":{}}}';

  /** What is answered to a token without the scope: by status, and whether the server behind was reached. */
  async function answerTo(contentType: string, parsers: readonly RequestHandler[] = [], body = call) {
    const resource = 'https://weather.example.com/mcp';
    const fusionAuth = await FusionAuthStandIn.start(resource);
    const app = express().set('env', 'test');
    const log = createLog({ destination: { write: () => undefined } });
    let reached = false;
    app.use(protect({ resource, issuer: fusionAuth.url, log }));
    app.use('/mcp', ...parsers, requireToolScopes({ forecast: ['weather'] }));
    app.post('/mcp', (_request, response) => {
      reached = true;
      response.sendStatus(200);
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const authorization = bearer(await fusionAuth.token({ scope: 'openid' }));
    const headers = { ...authorization, 'Content-Type': contentType };
    const { status } = await fetch(`${url}/mcp`, { method: 'POST', headers, body });
    await close(server);
    await fusionAuth.close();
    return { status, reached };
  }

  it('are asked for when the body is JSON', async () => {
    expect(await answerTo('application/json', [express.json()])).toEqual({ status: 403, reached: false });
  });

  it('are asked for wherever in a batch the call stands', async () => {
    const batch = `[{"jsonrpc":"2.0","id":0,"method":"ping"},${call}]`;
    expect(await answerTo('application/json', [express.json()], batch)).toEqual({
      status: 403,
      reached: false,
    });
  });

  // The v1 SDK took whatever had "application/json" in it for JSON, and read it itself.
  it.each(['text/plain; application/json', 'application/json-rpc', 'text/plain'])(
    'are not evaded by a body that express.json() passes over: %s',
    async (contentType) => {
      expect(await answerTo(contentType, [express.json()])).toEqual({ status: 415, reached: false });
      expect(await answerTo(contentType, [express.text({ type: '*/*' })])).toEqual({
        status: 415,
        reached: false,
      });
    },
  );

  it('let nothing pass when nobody has read the body', async () => {
    expect(await answerTo('application/json')).toEqual({ status: 500, reached: false });
  });
});

describe('the example express', () => {
  it('protects what is below the resource, each route with its scopes, and nothing else', async () => {
    const running = await listening('express', '/api');
    const { url, fusionAuth } = running;
    const weather = bearer(await fusionAuth.token({ scope: 'weather' }));
    const alarms = bearer(await fusionAuth.token({ scope: 'alarms offline_access' }));
    const both = bearer(await fusionAuth.token({ scope: 'weather alarms' }));
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(`${url}/api/forecast`)).status).toBe(401);
    const forecast = await fetch(`${url}/api/forecast`, { headers: weather });
    expect(await forecast.json()).toEqual({ forecast: `Sunny for ${clientId}` });
    const refused = await fetch(`${url}/api/alarms`, { method: 'POST', headers: weather });
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain('scope="weather alarms"');
    const without = await fetch(`${url}/api/forecast`, { headers: alarms });
    expect(without.status).toBe(403);
    expect(without.headers.get('www-authenticate')).toContain('scope="alarms weather"');
    expect((await fetch(`${url}/api/alarms`, { method: 'POST', headers: both })).status).toBe(204);
    await running.end();
  });
});

describe('the example webhooks', () => {
  it('ends the tokens of a user when FusionAuth says so, and not when another does', async () => {
    vi.stubEnv('WEBHOOK_SECRET', secret);
    const { url, fusionAuth, end } = await listening('webhooks', '/api');
    const headers = bearer(await fusionAuth.token());
    const statusOf = async (): Promise<number> => (await fetch(`${url}/api/forecast`, { headers })).status;
    const deactivate = async (key: string): Promise<number> => {
      const body = eventBody('user.deactivate', { user: { id: userId } });
      const signature = { 'X-FusionAuth-Signature-JWT': await signatureOf(body, key) };
      return (await fetch(`${url}/webhooks/fusionauth`, { method: 'POST', headers: signature, body })).status;
    };
    expect(await statusOf()).toBe(200);
    expect(await deactivate('the secret of somebody else, 32 bytes')).toBe(403);
    expect(await statusOf()).toBe(200);
    expect(await deactivate(secret)).toBe(200);
    expect(await statusOf()).toBe(401);
    await end();
  });
});
