import { randomUUID } from 'node:crypto';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { createLog, loadConfig, startServer } from '@mcp-keyhole/server';
import { expect, it, onTestFinished } from 'vitest';
import type { Finding } from '../../src/commands/finding.ts';
import { machine } from '../support/command-run.ts';
import { freePort } from '../support/loopback-server.ts';

/** The demo key of kickstart/kickstart.json. */
const apiKey = 'bf69486b-4733-4470-a592-f1bfce7af580';
const tenant = '/api/tenant';

/** FusionAuth (its emulator) with the protected server in front of it, and a client that was registered for it. */
async function scene() {
  const emulator = await startEmulator({ port: 0 });
  onTestFinished(() => emulator.close());
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const settings = { FUSIONAUTH_URL: emulator.url, MCP_SERVER_URL: origin, PORT: String(port) };
  const log = createLog({ destination: { write: () => undefined } });
  const server = await startServer(loadConfig([], settings), { log });
  onTestFinished(() => server.close());

  const manage = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${emulator.url}${path}`, {
      method,
      headers: { authorization: apiKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: HTTP ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const id = randomUUID();
  const callbackPort = await freePort();
  await manage('POST', `/api/application/${id}`, {
    application: {
      name: `Doctor ${id}`,
      oauthConfiguration: {
        authorizedRedirectURLs: [`http://localhost:${callbackPort}/oauth/callback`],
        authorizedResourceUris: [`${origin}/mcp`],
        enabledGrants: ['authorization_code', 'refresh_token'],
        generateRefreshTokens: true,
        clientAuthenticationPolicy: 'NotRequired',
        proofKeyForCodeExchangePolicy: 'Required',
        relationship: 'ThirdParty',
        scopeHandlingPolicy: 'Strict',
      },
    },
  });
  const { run } = await machine({ BROWSER: 'true', MCP_KEYHOLE_NO_BROWSER: '0' });
  const examine = async (scope: string): Promise<Finding[]> => {
    const client = JSON.stringify({ client_id: id, scope });
    const argv = ['doctor', `${origin}/mcp`, String(callbackPort), '--static-oauth-client-info', client];
    return JSON.parse((await run([...argv, '--json'])).stdout) as Finding[];
  };
  return { examine, manage };
}

const guide = 'openid profile offline_access get_name';

it('finds all well at FusionAuth set up as the guide has it', async () => {
  const { examine } = await scene();
  const findings = await examine(guide);
  expect(findings.filter(({ outcome }) => outcome !== 'fine')).toEqual([]);
  expect(findings.map(({ step }) => step)).toContain('refresh');
});

it("warns of FusionAuth's own example, whose sign-ins end after an hour", async () => {
  const { examine } = await scene();
  const findings = await examine('openid profile get_name');
  expect(findings.filter(({ outcome }) => outcome !== 'fine').map(({ step }) => step)).toEqual(['refresh']);
});

it('finds the issuer acme.com, with which FusionAuth ships, and says where to change it', async () => {
  const { examine, manage } = await scene();
  const { tenants } = (await manage('GET', tenant)) as { tenants: { id: string }[] };
  await manage('PATCH', `${tenant}/${tenants[0]?.id ?? ''}`, { tenant: { issuer: 'acme.com' } });
  const wrong = (await examine(guide)).filter(({ outcome }) => outcome === 'wrong');
  expect(wrong).toEqual([
    {
      step: 'authorization-server',
      outcome: 'wrong',
      detail: expect.stringContaining('"acme.com"') as string,
      remedy: expect.stringContaining('Issuer') as string,
    },
  ]);
});
