// Mixed traffic and random faults for as long as it is asked for (SOAK_SECONDS, SOAK_SEED): as many answers as requests,
// and a proxy that holds in the end what it held in the beginning.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CountingHost, type Reply } from '../support/counting-host.ts';
import { printFigures } from '../support/crowd.ts';
import { FaultServer, type Era } from '../support/fault-server.ts';
import { faults, type FaultName } from '../support/faults.ts';
import { held, heldIn, InnerLives, type InnerLife } from '../support/inner-life.ts';
import { PrivateHome } from '../support/private-home.ts';
import { createRandom } from '../../packages/proxy/test/support/random.ts';

const seconds = Number(process.env['SOAK_SECONDS'] ?? 30);
const seed = Number(process.env['SOAK_SEED'] ?? Math.trunc(Math.random() * 1e9));
/** Requests that are under way at once. */
const workers = 12;
/** What the proxy may hold more in the end, in MiB, after a garbage collection. */
const growth = 8;
const mebibyte = 1 << 20;

/** Too rare to come by chance as often as the others: it moves 50 MB. */
const rare: FaultName = 'answer of 50 MB';
const common = (Object.keys(faults) as FaultName[]).filter((name) => name !== rare);

class Soak {
  readonly outcomes = new Map<string, number>();
  readonly met = new Map<FaultName, number>();
  cancelled = 0;
  readonly host: CountingHost;
  readonly #server: FaultServer;
  readonly #random: () => number;
  #keys = 0;
  readonly #innerLives: InnerLives;

  constructor(server: FaultServer, home: PrivateHome, random: () => number) {
    this.#server = server;
    this.#random = random;
    const args = [server.url, '--token-store', 'memory', '--headers-timeout', '2', '--body-timeout', '2'];
    this.host = new CountingHost(server.era, args, home.env, { nodeFlags: InnerLives.nodeFlags });
    this.#innerLives = new InnerLives(this.host);
  }

  look(): Promise<InnerLife> {
    return this.#innerLives.look();
  }

  /** Requests and faults until then, on the clock of `performance.now()`. */
  async run(until: number): Promise<void> {
    const troubles = this.#makeTrouble(until);
    await Promise.all(Array.from({ length: workers }, () => this.#work(until)));
    await troubles;
    // A fault that met nobody yet meets these.
    while (!this.#server.isQuiet) await this.#one('ping');
  }

  #pick<Value>(values: readonly Value[]): Value {
    const value = values[Math.floor(this.#random() * values.length)];
    if (value === undefined) throw new Error('There is nothing to pick from.');
    return value;
  }

  async #makeTrouble(until: number): Promise<void> {
    while (performance.now() < until) {
      const name = this.#random() < 0.003 ? rare : this.#pick(common);
      this.met.set(name, (this.met.get(name) ?? 0) + 1);
      this.#server.plan(faults[name]);
      for (const stream of this.#server.streams.own) {
        stream.send({ method: 'notifications/tools/list_changed' });
      }
      await pause(50 + this.#random() * 450);
    }
  }

  async #work(until: number): Promise<void> {
    while (performance.now() < until) {
      await this.#one(
        this.#pick(['tools/list', 'ping', 'call', 'call', 'stream', 'large', 'cancelled', 'unknown']),
      );
    }
  }

  async #one(kind: string): Promise<void> {
    const { host } = this;
    switch (kind) {
      case 'call':
      case 'stream':
      case 'large':
        this.#count(kind, await this.#call(kind));
        return;
      case 'cancelled': {
        const id = host.nextId();
        const call = this.#call(kind, id);
        await Promise.race([call, pause(this.#random() * 20)]);
        host.cancel(id);
        this.cancelled += 1;
        return;
      }
      case 'unknown':
        this.#count(kind, await host.request('experimental/unknown'));
        return;
      default:
        this.#count(kind, await host.request(kind));
    }
  }

  #call(kind: string, id = this.host.nextId()): Promise<Reply> {
    this.#keys += 1;
    const args = {
      key: `key-${this.#keys}`,
      stream: kind === 'stream',
      ...(kind === 'large' ? { text: 'x'.repeat(Math.floor(this.#random() * mebibyte)) } : {}),
    };
    const _meta = { progressToken: this.#keys };
    return this.host.request('tools/call', { name: 'note', arguments: args, _meta }, id);
  }

  #count(kind: string, { error }: Reply): void {
    const outcome = `${kind}: ${error === undefined ? 'ok' : (error.data?.code ?? String(error.code))}`;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }
}

describe.concurrent.each(['legacy', 'modern'] as const)('At a %s server', (era: Era) => {
  test(
    `as many answers as requests, and nothing left over, after ${seconds} s`,
    { timeout: (seconds + 120) * 1_000 },
    async () => {
      const home = new PrivateHome();
      const server = await FaultServer.start(era);
      const soak = new Soak(server, home, createRandom(seed));
      const { host } = soak;
      expect((await host.greet()).result).toBeDefined();
      const begin = performance.now();
      // What is loaded and compiled once is there after the first fifth.
      await soak.run(begin + seconds * 200);
      const before = await soak.look();
      await soak.run(begin + seconds * 1_000);
      expect((await host.request('tools/list')).error).toBeUndefined();
      const after = await soak.look();
      const exit = await host.close();

      const sorted = (counts: ReadonlyMap<string, number>): readonly string[] =>
        [...counts].sort().map(([name, count]) => `  ${String(count).padStart(7)} ${name}`);
      printFigures(`Soak at a ${era} server, ${seconds} s, SOAK_SEED=${seed}`, [
        `requests ${host.sent}, answers ${host.answered}, cancelled ${soak.cancelled} (${host.crossed} answers crossed that)`,
        `after a fifth: ${held(before)}`,
        `in the end:    ${held(after)}`,
        'outcomes:',
        ...sorted(soak.outcomes),
        'faults planned:',
        ...sorted(soak.met),
      ]);
      expect(exit).toBe(0);
      expect({ answers: host.answered, surplus: host.surplus, waiting: host.waiting }).toEqual({
        answers: host.sent,
        surplus: [],
        waiting: 0,
      });
      for (const [key, times] of server.effects) expect(times, key).toBe(1);
      expect(host.stderr).not.toMatch(/Warning/u);
      if (era === 'legacy') expect(host.notified.get('notifications/tools/list_changed')).toBeGreaterThan(0);
      expect(heldIn(after) - heldIn(before)).toBeLessThan(growth);
      expect(after.resources['Timeout'] ?? 0).toBeLessThanOrEqual((before.resources['Timeout'] ?? 0) + 2);
      await server.close();
      home.remove();
    },
  );
});
