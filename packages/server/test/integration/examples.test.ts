import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientId, FusionAuthStandIn } from '../support/fusionauth-stand-in.ts';
import { bearer } from '../support/protected-server.ts';

const examples = {
  'sdk-v2': () => import('../../examples/sdk-v2.ts'),
  'sdk-v1': () => import('../../examples/sdk-v1.ts'),
  express: () => import('../../examples/express.ts'),
};

/** An example as its README has it, but for the address that it listens on. */
async function listening(name: keyof typeof examples, resource: string): Promise<Running> {
  const fusionAuth = await FusionAuthStandIn.start(resource);
  vi.stubEnv('RESOURCE', resource);
  vi.stubEnv('FUSIONAUTH_ISSUER', fusionAuth.url);
  const { app } = (await examples[name]()) as { app: Express };
  vi.unstubAllEnvs();
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { fusionAuth, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

interface Running {
  readonly fusionAuth: FusionAuthStandIn;
  readonly server: Server;
  readonly url: string;
}

async function end({ fusionAuth, server }: Running): Promise<void> {
  server.close();
  server.closeAllConnections();
  await fusionAuth.close();
}

describe.each(['sdk-v2', 'sdk-v1'] as const)('the example %s', (name) => {
  let running: Running;
  beforeAll(async () => {
    running = await listening(name, 'https://weather.example.com/mcp');
  });
  afterAll(async () => end(running));

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

describe('the example express', () => {
  it('protects what is below the resource, each route with its scopes, and nothing else', async () => {
    const running = await listening('express', 'https://weather.example.com/api');
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
    await end(running);
  });
});
