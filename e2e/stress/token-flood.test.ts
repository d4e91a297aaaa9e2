// 10,000 distinct invalid tokens of each kind: the server's memory stays as it was, and FusionAuth is not flooded.
import { randomBytes, randomUUID } from 'node:crypto';
import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientId, FusionAuthStandIn } from '../../packages/server/test/support/fusionauth-stand-in.ts';
import { bearer, callGetName, publicUrl } from '../../packages/server/test/support/protected-server.ts';
import { printFigures } from '../support/crowd.ts';
import { heldIn, InnerLives, type InnerLife } from '../support/inner-life.ts';
import { PrivateHome } from '../support/private-home.ts';
import { Processes, type RunningProcess } from '../support/processes.ts';
import { binFile } from '../support/programs.ts';

const count = 10_000;
const connections = 64;
/** What may be held more in the end, in MiB, after a garbage collection: 2,000 refusals are remembered. */
const growth = 8;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('10,000 distinct invalid tokens', () => {
  const processes = new Processes();
  const home = new PrivateHome();
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let fusionAuth: FusionAuthStandIn;
  let server: RunningProcess;
  let endpoint: string;
  let good: string;
  let looks = 0;

  beforeAll(async () => {
    fusionAuth = await FusionAuthStandIn.start(`${publicUrl}/mcp`);
    fusionAuth.publishes = true;
    const args = [binFile('mcp-keyhole-server'), '--port', '0', '--mcp-server-url', publicUrl];
    server = processes.start('server', process.execPath, [...InnerLives.nodeFlags, ...args], {
      env: { ...home.env, FUSIONAUTH_URL: fusionAuth.url },
    });
    const [, port = ''] = await server.prints('stdout', /"port":(\d+).*"msg":"listening"/u);
    endpoint = `http://127.0.0.1:${port}/mcp`;
    good = await fusionAuth.token();
    expect((await callGetName(endpoint, bearer(good))).status).toBe(200);
    // The code is compiled, and whatever is kept once is there.
    await flood((index) => `warm.${index}.up`, 2_000);
  });
  afterAll(async () => {
    agent.destroy();
    await processes.close();
    await fusionAuth.close();
    home.remove();
  });

  async function look(): Promise<InnerLife> {
    process.kill(server.pid, 'SIGUSR2');
    looks += 1;
    const pattern = new RegExp(`(?:inner life: .*\\n(?:.*\\n)*?){${looks - 1}}inner life: (.*)\\n`, 'u');
    const [, json = ''] = await server.prints('stderr', pattern);
    return JSON.parse(json) as InnerLife;
  }

  async function statusOf(token: string): Promise<number> {
    const outgoing = request(endpoint, { agent, method: 'POST', headers: bearer(token) }).end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode ?? 0;
  }

  /** How often each status was answered. */
  async function flood(tokenOf: (index: number) => string, tokens = count): Promise<Map<number, number>> {
    const statuses = new Map<number, number>();
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < tokens) {
        const status = await statusOf(tokenOf((next += 1)));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: connections }, work));
    return statuses;
  }

  /** A token that only its signature gives away. */
  function forged(header: object): string {
    const now = Math.floor(Date.now() / 1_000);
    const claims = {
      aud: [clientId, `${publicUrl}/mcp`],
      exp: now + 3_600,
      iat: now,
      iss: fusionAuth.issuer,
      sub: randomUUID(),
      scope: 'openid profile get_name',
    };
    return `${part({ typ: 'JWT', ...header })}.${part(claims)}.${randomBytes(256).toString('base64url')}`;
  }

  it.each<[string, (index: number) => string]>([
    ['that are no JWT', (index) => `made.up.${index}`],
    ['that name the published key', () => forged({ alg: 'RS256', kid: fusionAuth.keyId })],
    ['that each name another key', () => forged({ alg: 'RS256', kid: randomUUID() })],
    ['that each name another shared secret', () => forged({ alg: 'HS256', kid: randomUUID() })],
  ])('%s', async (name, tokenOf) => {
    const before = await look();
    const callsBefore = fusionAuth.requests.length;
    const begin = performance.now();
    const flooding = flood(tokenOf);
    // Others are served meanwhile: one whose token is known, and one who has just signed in.
    expect((await callGetName(endpoint, bearer(good))).status).toBe(200);
    expect((await callGetName(endpoint, bearer(await fusionAuth.token()))).status).toBe(200);
    const statuses = await flooding;
    const seconds = (performance.now() - begin) / 1_000;
    const after = await look();
    const calls = fusionAuth.requests.slice(callsBefore).filter(({ path }) => path !== '/oauth2/userinfo');
    const grown = heldIn(after) - heldIn(before);
    printFigures(`${count} invalid tokens ${name}`, [
      `answers: ${[...statuses].map(([status, times]) => `${times} × ${status}`).join(', ')}, in ${seconds.toFixed(1)} s`,
      `calls that reached FusionAuth: ${calls.length}`,
      `heap after a garbage collection: ${heldIn(before).toFixed(1)} MiB before, ${heldIn(after).toFixed(1)} MiB after (${grown.toFixed(1)})`,
    ]);
    expect([...statuses.values()].reduce((sum, times) => sum + times, 0)).toBeGreaterThanOrEqual(count);
    for (const status of statuses.keys()) expect([401, 503]).toContain(status);
    expect(grown).toBeLessThan(growth);
    // Fifty at once and ten a second for keys that nobody knows, and a look at the keys every five seconds.
    expect(calls.length).toBeLessThanOrEqual(50 + 10 * seconds + seconds / 5 + 2);
  });
});
