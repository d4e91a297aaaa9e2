import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { connectFusionAuth } from '../../src/fusionauth.ts';
import { startServer, type RunningServer } from '../../src/http-server.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/observation/metrics.ts';
import { observationOf } from '../../src/observation/observation.ts';
import { v1Host, v2Host } from '../support/mcp-clients.ts';
import { bearer, callGetName, greetingIn } from '../support/protected-server.ts';
import { registerClient, signIn, type AuthorizationServer } from '../support/sign-in.ts';

describe('the server in front of the emulator', () => {
  const lines: string[] = [];
  let emulator: Emulator;
  let fusionAuth: AuthorizationServer;
  let server: RunningServer;
  let endpoint: string;
  let clientId: string;

  beforeAll(async () => {
    emulator = await startEmulator({ port: 0 });
    fusionAuth = { url: emulator.url, apiKey: emulator.apiKey ?? '' };
    server = await startServer(loadConfig(['--port', '0'], { FUSIONAUTH_URL: emulator.url }), {
      log: createLog({ destination: { write: (line) => void lines.push(line) } }),
    });
    endpoint = `${server.url}/mcp`;
    clientId = await registerClient(fusionAuth, endpoint);
  });
  afterAll(async () => {
    await server.close();
    await emulator.close();
  });

  it.each([
    ['v1', v1Host],
    ['v2 legacy', v2Host('legacy')],
    ['v2 modern', v2Host({ pin: '2026-07-28' })],
  ])('greets the test user of a %s host by name', async (_name, visit) => {
    const { result } = await visit(endpoint, await signIn(fusionAuth, clientId, endpoint));
    expect(result).toMatchObject({ structuredContent: { result: 'Hello, Test User!' }, isError: false });
  });

  it("finds the emulator's issuer as configured", () => {
    expect(lines.join('')).toContain("FusionAuth's issuer is the configured one");
  });

  it('refuses the token of a client that did not name the resource, though FusionAuth calls it valid', async () => {
    const token = await signIn(fusionAuth, clientId, undefined);
    const validated = await fetch(`${emulator.url}/api/jwt/validate`, { headers: bearer(token) });
    expect(validated.status).toBe(200);
    expect((await callGetName(endpoint, bearer(token))).status).toBe(401);
    expect(lines.at(-1)).toContain('"reason":"wrong-audience"');
  });

  it("refuses another resource's token", async () => {
    const other = 'http://localhost:1/mcp';
    const token = await signIn(fusionAuth, await registerClient(fusionAuth, other), other);
    expect((await callGetName(endpoint, bearer(token))).status).toBe(401);
    expect(lines.at(-1)).toContain('"reason":"wrong-audience"');
  });

  it('refuses a token whose signature was changed', async () => {
    const token = await signIn(fusionAuth, clientId, endpoint);
    const [header, payload, signature = ''] = token.split('.');
    const changed = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
    const response = await callGetName(endpoint, bearer([header, payload, changed].join('.')));
    expect(response.status).toBe(401);
    expect(lines.at(-1)).toContain('"reason":"wrong-signature"');
  });

  it('does not keep get_name waiting for a userinfo that hangs, says so once, and asks again when it answers', async () => {
    const metrics = createMetrics();
    const log = createLog({ destination: { write: (line) => void lines.push(line) } });
    const observation = observationOf(log, { metrics });
    const connection = connectFusionAuth(emulator.url, { deadline: 400, pause: 100, observation });
    const config = loadConfig(['--port', '0'], { FUSIONAUTH_URL: emulator.url });
    const own = await startServer(config, { log, fusionAuth: connection });
    const resource = `${own.url}/mcp`;
    const token = await signIn(fusionAuth, await registerClient(fusionAuth, resource), resource);
    const greet = async (): Promise<string> => greetingIn(await callGetName(resource, bearer(token)));
    const setFaults = async (faults: object[]): Promise<unknown> =>
      fetch(`${emulator.url}/emulator/faults`, {
        method: 'PUT',
        headers: { Authorization: fusionAuth.apiKey, 'Content-Type': 'application/json' },
        body: JSON.stringify({ faults }),
      }).then(({ ok }) => expect(ok).toBe(true));
    try {
      expect(await greet()).toBe('Hello, Test User!');
      await setFaults([{ kind: 'slow', milliseconds: 600_000, path: '/oauth2/userinfo' }]);
      lines.length = 0;
      expect(await greet()).not.toBe('Hello, Test User!');
      const begin = performance.now();
      for (let count = 0; count < 20; count += 1) await greet();
      // Twenty calls that waited would take 8 s.
      expect(performance.now() - begin).toBeLessThan(4_000);
      const saying = (text: string): string[] => lines.filter((line) => line.includes(text));
      expect(saying('FusionAuth does not answer')).toHaveLength(1);
      expect(saying('userinfo failed')).toHaveLength(1);
      expect(await metrics.text()).toContain('mcp_keyhole_fusionauth_silent{call="userinfo"} 1');
      await setFaults([]);
      await expect.poll(greet).toBe('Hello, Test User!');
      expect(saying('FusionAuth answers again')).toHaveLength(1);
      expect(await metrics.text()).toContain('mcp_keyhole_fusionauth_silent{call="userinfo"} 0');
    } finally {
      await setFaults([]);
      await own.close();
    }
  });
});
