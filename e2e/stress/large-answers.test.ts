// An answer of 50 MB, whatever it answers, is not held by the proxy once the host has it: not until the next one, nor for
// the next run.
import { expect, test } from 'vitest';
import { CountingHost } from '../support/counting-host.ts';
import { FaultServer, type Era } from '../support/fault-server.ts';
import { faults } from '../support/faults.ts';
import { held, heldIn, InnerLives } from '../support/inner-life.ts';
import { PrivateHome } from '../support/private-home.ts';

/** What the proxy may hold more after such an answer, in MiB. */
const growth = 8;

test.each<Era>(['legacy', 'modern'])('At a %s server', { timeout: 120_000 }, async (era) => {
  const home = new PrivateHome();
  const server = await FaultServer.start(era);
  const args = [server.url, '--token-store', 'memory'];
  const host = new CountingHost(server.era, args, home.env, { nodeFlags: InnerLives.nodeFlags });
  const innerLives = new InnerLives(host);
  expect((await host.greet()).result).toBeDefined();
  const params = (key: string, stream = false) => ({ name: 'note', arguments: { key, stream } });
  const requests = [
    ['ping', {}],
    ['tools/list', {}],
    ['tools/call', params('json')],
    ['tools/call', params('event', true)],
  ] as const;
  // What is loaded and compiled once is there after the first round.
  let before = 0;
  for (const round of ['first', 'second']) {
    for (const [method, itsParams] of requests) {
      server.plan(faults['answer of 50 MB']);
      const { result } = await host.request(method, itsParams);
      // At a legacy server, nobody but the proxy answers a ping.
      if (method !== 'ping' || era === 'modern')
        expect(JSON.stringify(result).length).toBeGreaterThan(50 << 20);
      const now = await innerLives.look();
      if (round === 'first' && method === 'ping') before = heldIn(now);
      expect(heldIn(now) - before, `${round} ${method}: ${held(now)}`).toBeLessThan(growth);
    }
  }
  expect(await host.close()).toBe(0);
  await server.close();
  home.remove();
});
