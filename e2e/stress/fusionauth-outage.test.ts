// FusionAuth away under load (OUTAGE_SECONDS, by default 20): the table of answers by second. It is away in three ways, one after
// another: it closes connections, answers 503, and does not answer at all.
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer } from '../../packages/server/test/support/protected-server.ts';
import { registerClient, signIn } from '../../packages/server/test/support/sign-in.ts';
import { freePort } from '../support/free-port.ts';
import { PrivateHome } from '../support/private-home.ts';
import { Processes } from '../support/processes.ts';

const outage = Number(process.env['OUTAGE_SECONDS'] ?? 20);
const before = 2;
const after = 9;
/** Seconds in which the server may not have noticed yet that FusionAuth is back: a call's deadline, and the pause after it. */
const recovery = 7;

const ways = [
  { name: 'closes connections', fault: { kind: 'refuse' } },
  { name: 'answers 503', fault: { kind: 'status', status: 503 } },
  { name: 'hangs', fault: { kind: 'slow', milliseconds: 600_000 } },
];
/** The emulator's well-known demo key. */
const apiKey = 'bf69486b-4733-4470-a592-f1bfce7af580';

/** Who calls, and with what. */
const kinds = ['known', 'unknown', 'new'] as const;
type Kind = (typeof kinds)[number];

interface Answer {
  readonly kind: Kind;
  readonly status: number;
  readonly retryAfter: string | null;
  /** Milliseconds since the beginning of the run. */
  readonly sent: number;
  readonly received: number;
}

describe('while FusionAuth is away', () => {
  const processes = new Processes();
  const home = new PrivateHome();
  const answers: Answer[] = [];
  let url: string;
  let endpoints: { api: string; auto: string };
  let tokens: { known: string[]; unknown: string[]; new: string[] };

  beforeAll(async () => {
    const emulator = processes.startBin('fusionauth-emulator', ['--port', '0'], { env: home.env });
    [, url = ''] = await emulator.prints('stdout', /emulator ready at (http:\/\/\S+)/u);
    endpoints = { api: await startServer('api'), auto: await startServer('auto') };
    const [api, auto] = [
      await registerClient({ url, apiKey }, endpoints.api),
      await registerClient({ url, apiKey }, endpoints.auto),
    ];
    const many = async (count: number, client: string, resource: string): Promise<string[]> => {
      const issued = [];
      for (let index = 0; index < count; index += 1) {
        issued.push(await signIn({ url, apiKey }, client, resource));
      }
      return issued;
    };
    tokens = {
      known: await many(4, api, endpoints.api),
      unknown: await many(8, api, endpoints.api),
      new: await many(outage + after + 1, auto, endpoints.auto),
    };
  }, 240_000);
  afterAll(async () => {
    await processes.close();
    home.remove();
  });

  async function startServer(validation: string): Promise<string> {
    const port = await freePort();
    const endpoint = `http://localhost:${port}/mcp`;
    const server = processes.startBin('mcp-keyhole-server', ['--port', String(port)], {
      env: {
        ...home.env,
        FUSIONAUTH_URL: url,
        TOKEN_VALIDATION: validation,
        RATE_LIMIT_USER: '0',
      },
    });
    await server.prints('stdout', /"msg":"listening"/u);
    return endpoint;
  }

  async function setFault(fault: object | undefined): Promise<void> {
    const response = await fetch(`${url}/emulator/faults`, {
      method: 'PUT',
      headers: { Authorization: apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify({ faults: fault === undefined ? [] : [fault] }),
    });
    expect(response.status).toBe(200);
  }

  async function call(kind: Kind, endpoint: string, token: string, method: string): Promise<void> {
    const sent = performance.now();
    const params = method === 'tools/call' ? { name: 'get_name', arguments: {} } : {};
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        ...bearer(token),
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const text = await response.text();
    if (response.status === 200) expect(text).toContain('"result":');
    const retryAfter = response.headers.get('retry-after');
    answers.push({ kind, status: response.status, retryAfter, sent, received: performance.now() });
  }

  it(`known tokens get 200, unknown ones 503 with Retry-After and never 401, for ${outage} s`, async () => {
    const [begin, seconds] = [performance.now(), 1_000];
    const from = begin + before * seconds;
    const until = from + outage * seconds;
    const end = until + after * seconds;
    const loop = async (since: number, interval: number, each: () => Promise<void>): Promise<void> => {
      await pause(Math.max(0, since - performance.now()));
      while (performance.now() < end) {
        await each();
        await pause(interval);
      }
    };
    const faults = async (): Promise<void> => {
      for (const [index, { fault }] of ways.entries()) {
        await pause(from + (index * outage * seconds) / ways.length - performance.now());
        await setFault(fault);
      }
      await pause(until - performance.now());
      await setFault(undefined);
    };
    // Both servers know whom they have let in, and one of them the keys.
    for (const token of tokens.known) await call('known', endpoints.api, token, 'tools/list');
    await call('new', endpoints.auto, tokens.new.pop() ?? '', 'tools/list');
    const inOutage = from + 250;
    await Promise.all([
      faults(),
      ...tokens.known.flatMap((token) => [
        loop(begin, 20, () => call('known', endpoints.api, token, 'tools/list')),
        loop(begin, 20, () => call('known', endpoints.api, token, 'tools/call')),
      ]),
      ...tokens.unknown.map(async (token) =>
        loop(inOutage, 50, () => call('unknown', endpoints.api, token, 'tools/list')),
      ),
      loop(inOutage, seconds, () => call('new', endpoints.auto, tokens.new.pop() ?? '', 'tools/list')),
    ]);

    process.stdout.write(table(begin, from, until));
    const of = (kind: Kind): Answer[] => answers.filter((answer) => answer.kind === kind);
    const statuses = (list: readonly Answer[]): number[] => [...new Set(list.map(({ status }) => status))];
    expect(statuses(of('known'))).toEqual([200]);
    expect(statuses(of('new'))).toEqual([200]);
    const unknown = of('unknown');
    const away = unknown.filter(({ received }) => received < until);
    expect(away.length).toBeGreaterThan(outage);
    expect(statuses(away)).toEqual([503]);
    for (const { retryAfter, status } of unknown) if (status === 503) expect(retryAfter).toBe('5');
    expect(statuses(unknown.filter(({ sent }) => sent > until + recovery * seconds))).toEqual([200]);
    // No second without an answer to those who are known.
    for (let second = 0; second < before + outage + after - 1; second += 1) {
      expect(within(of('known'), begin + second * seconds).length).toBeGreaterThan(0);
    }
  }, 240_000);

  function within(list: readonly Answer[], start: number): Answer[] {
    return list.filter(({ received }) => received >= start && received < start + 1_000);
  }

  function table(begin: number, from: number, until: number): string {
    const way = (at: number): string => {
      if (at < from || at >= until) return 'is there';
      return ways[Math.floor(((at - from) / (until - from)) * ways.length)]?.name ?? '';
    };
    const lines = [
      '',
      '| s | FusionAuth | known | unknown | new, key known | slowest of known, ms |',
      '| ---: | --- | --- | --- | --- | ---: |',
    ];
    const last = Math.max(...answers.map(({ received }) => received));
    for (let start = begin; start < last; start += 1_000) {
      const now = within(answers, start);
      const cells = kinds.map((kind) => counts(now.filter((answer) => answer.kind === kind)));
      const slowest = Math.max(
        0,
        ...now.filter(({ kind }) => kind === 'known').map(({ sent, received }) => received - sent),
      );
      lines.push(
        `| ${Math.round((start - begin) / 1_000)} | ${way(start + 500)} | ${cells.join(' | ')} | ${slowest.toFixed(0)} |`,
      );
    }
    return `${lines.join('\n')}\n\n`;
  }

  function counts(list: readonly Answer[]): string {
    const times = new Map<number, number>();
    for (const { status } of list) times.set(status, (times.get(status) ?? 0) + 1);
    return [...times].map(([status, count]) => `${count} × ${status}`).join(', ');
  }
});
