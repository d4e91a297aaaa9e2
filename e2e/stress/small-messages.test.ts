// As many small messages as are asked for (SMALL_MESSAGES): every one arrives, and the proxy holds in the end what it held
// after the first fifth. Half of them are notifications where the server has a stream for them, in a session; the others requests.
import { describe, expect, test } from 'vitest';
import { CountingHost } from '../support/counting-host.ts';
import { printFigures } from '../support/crowd.ts';
import { FaultServer, type Era } from '../support/fault-server.ts';
import { held, heldIn, InnerLives } from '../support/inner-life.ts';
import { PrivateHome } from '../support/private-home.ts';

const messages = Number(process.env['SMALL_MESSAGES'] ?? 100_000);
/** Requests that are under way at once. */
const workers = 64;
/** Notifications that are sent before the host has had the earlier ones. */
const volley = 1_000;
/** What the proxy may hold more in the end, in MiB, after a garbage collection. */
const growth = 4;
const method = 'notifications/tools/list_changed';

async function ask(host: CountingHost, requests: number): Promise<void> {
  let left = requests;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      expect((await host.request('ping')).error).toBeUndefined();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

async function tell(server: FaultServer, host: CountingHost, notifications: number): Promise<void> {
  if (notifications === 0) return;
  const stream = await server.streams.listened();
  const begin = host.notified.get(method) ?? 0;
  for (let sent = volley; sent <= notifications; sent += volley) {
    for (let one = 0; one < volley; one += 1) stream.send({ method });
    await host.hasHeard(method, begin + sent);
  }
}

describe.each(['legacy', 'modern'] as const)('At a %s server', (era: Era) => {
  test(`${messages} small messages leave nothing behind`, { timeout: 900_000 }, async () => {
    const home = new PrivateHome();
    const server = await FaultServer.start(era);
    const host = new CountingHost(era, [server.url, '--token-store', 'memory'], home.env, {
      nodeFlags: InnerLives.nodeFlags,
    });
    const innerLives = new InnerLives(host);
    expect((await host.greet()).error).toBeUndefined();
    // In whole volleys, a fifth and four.
    const fifth = Math.ceil(messages / 5 / volley) * volley;
    const told = era === 'legacy' ? Math.floor(fifth / 2 / volley) * volley : 0;
    const round = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1) {
        await ask(host, fifth - told);
        await tell(server, host, told);
      }
    };
    const begin = performance.now();
    await round(1);
    const before = await innerLives.look();
    await round(4);
    const seconds = (performance.now() - begin) / 1_000;
    const after = await innerLives.look();
    printFigures(`${5 * fifth} small messages at a ${era} server, ${seconds.toFixed(1)} s`, [
      `requests ${host.sent}, answers ${host.answered}, notifications ${host.notified.get(method) ?? 0}`,
      `after a fifth: ${held(before)}`,
      `in the end:    ${held(after)}`,
    ]);
    expect(await host.close()).toBe(0);
    expect(host.surplus).toEqual([]);
    expect(host.notified.get(method) ?? 0).toBe(5 * told);
    expect(heldIn(after) - heldIn(before)).toBeLessThan(growth);
    await server.close();
    home.remove();
  });
});
