// Each tool of the server has a scope of its own: the user is asked for it when the tool is called, and then only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../support/browser.ts';
import { CountingHost, type Reply } from '../support/counting-host.ts';
import { Desktop, entryOf } from '../support/desktop.ts';
import { freePort } from '../support/free-port.ts';
import { LegacyFront } from '../support/legacy-front.ts';
import { System } from '../support/system.ts';

let system: System;
let browser: Browser;
/** In front of a second server. */
let front: LegacyFront;

beforeAll(async () => {
  [system, browser, front] = await Promise.all([System.start(), Browser.start(), LegacyFront.start()]);
  front.target = new URL(await system.addServer({ MCP_SERVER_URL: front.url })).origin;
});

afterAll(async () => {
  await browser.close();
  await front.close();
  await system.close();
});

const textOf = ({ result, error }: Reply): string =>
  (result?.['content'] as { text: string }[] | undefined)?.[0]?.text ?? JSON.stringify(error);

/** How the calls of `countdown` have ended, as the servers' logs have it. */
const endedCountdowns = (): unknown[] =>
  system.processes.outputs
    .flatMap(({ stdout }) => stdout.split('\n'))
    .filter((line) => line.includes('"tool called"') && line.includes('"tool":"countdown"'))
    .map((line) => (JSON.parse(line) as { outcome?: unknown }).outcome);

const call = async (host: CountingHost, name: string, params: object = {}): Promise<Reply> =>
  host.request('tools/call', { name, arguments: {}, ...params });

const setGreeting = async (host: CountingHost, greeting: string): Promise<Reply> =>
  call(host, 'set_greeting', { arguments: { greeting } });

test.each([
  ['legacy', 'modern'],
  ['modern', 'modern'],
  ['legacy', 'legacy'],
  ['modern', 'legacy'],
] as const)(
  'a %s host’s user is asked for the scope of a %s server’s tool when it is called, may deny it, and loses nothing',
  async (era, serverEra) => {
    const desktop = await Desktop.start();
    const resource = serverEra === 'legacy' ? `${front.url}/mcp` : system.mcpUrl;
    const registration = await system.register(`Step-up ${era} ${serverEra}`, await freePort(), resource);
    front.sessions.clear();
    const [, ...args] = entryOf(registration).args;
    const [host, later] = [1, 2].map(() => new CountingHost(era, args, desktop.env)) as [
      CountingHost,
      CountingHost,
    ];
    /** The scopes of the last authorization request. */
    const asked = (): string | null => new URL(desktop.opened.urls.at(-1) ?? '').searchParams.get('scope');
    try {
      await host.greet();
      const first = call(host, 'get_name');
      await desktop.signIn(browser);
      expect(textOf(await first)).toBe('Hello, Test User!');
      expect(asked()).toBe('openid profile offline_access get_name');

      const { result } = await host.request('tools/list');
      expect(result?.['tools']).toMatchObject(
        ['get_name', 'set_greeting', 'countdown'].map((name) => ({
          name,
          _meta: { 'mcp-keyhole/scopes': [name] },
        })),
      );

      // Two calls at once: one browser for both.
      const greetings = [setGreeting(host, 'Ahoy'), setGreeting(host, 'Ahoy')];
      await desktop.signIn(browser);
      for (const reply of await Promise.all(greetings)) {
        expect(reply.result).toMatchObject({ structuredContent: { greeting: 'Ahoy' } });
      }
      expect(asked()).toBe('openid profile offline_access get_name set_greeting');
      expect(textOf(await call(host, 'get_name'))).toBe('Ahoy, Test User!');

      const denied = call(host, 'countdown');
      await desktop.signIn(browser, { answer: 'Cancel' });
      // A host that tries again at once gets the same answer: no further tab for what was just denied.
      for (const { error } of [await denied, await call(host, 'countdown')]) {
        expect(error?.data?.code).toBe('sign-in-refused');
        expect(error?.message).toContain(resource);
      }
      expect(textOf(await call(host, 'get_name'))).toBe('Ahoy, Test User!');
      expect((await setGreeting(host, 'Hello')).result).toMatchObject({
        structuredContent: { greeting: 'Hello' },
      });
      expect(desktop.opened.count).toBe(3);

      await later.greet();
      const numbers: unknown[] = [];
      later.onNotification = (method, params) => {
        if (method === 'notifications/progress') numbers.push(params);
      };
      const params = { arguments: { from: 3, pause: 10 }, _meta: { progressToken: 'count' } };
      const endedBefore = endedCountdowns().length;
      const counted = call(later, 'countdown', params);
      await desktop.signIn(browser);
      expect((await counted).result).toMatchObject({ structuredContent: { counted: 3 } });
      expect(asked()).toBe('openid profile offline_access get_name set_greeting countdown');
      expect(numbers).toMatchObject(
        ['3', '2', '1', '0'].map((message, progress) => ({
          progressToken: 'count',
          progress,
          total: 3,
          message,
        })),
      );

      // The first host finds the scopes that the second one was granted.
      expect((await call(host, 'countdown', params)).result).toMatchObject({
        structuredContent: { counted: 3 },
      });
      expect(desktop.opened.count).toBe(4);

      const heard = host.notified.get('notifications/progress') ?? 0;
      // The log may come after the answer.
      const ended = endedBefore + 2;
      await expect.poll(() => endedCountdowns().length).toBe(ended);
      const id = host.nextId();
      const long = { name: 'countdown', arguments: { from: 30 }, _meta: { progressToken: 'long' } };
      void host.request('tools/call', long, id);
      await host.hasHeard('notifications/progress', heard + 1);
      host.cancel(id);
      await expect.poll(() => endedCountdowns().slice(ended), { timeout: 5_000 }).toEqual(['cancelled']);

      // One each: a 403 ends no session.
      expect(front.sessions.size).toBe(serverEra === 'legacy' ? 2 : 0);
      for (const each of [host, later]) {
        expect({ sent: each.sent, surplus: each.surplus }).toEqual({ sent: each.answered, surplus: [] });
        expect(await each.close()).toBe(0);
      }
    } finally {
      await Promise.all([host.close(), later.close()]);
      await desktop.close();
    }
  },
);

test('a client of the guide, which has the scope get_name only, loses nothing by asking for another one', async () => {
  const desktop = await Desktop.start();
  const registration = await system.register('Guide', await freePort());
  await system.removeScopes(registration.clientId, ['set_greeting', 'countdown']);
  const [, ...args] = entryOf(registration).args;
  const host = new CountingHost('legacy', args, desktop.env);
  const page = await browser.newPage();
  try {
    await host.greet();
    const first = call(host, 'get_name');
    await desktop.signIn(browser);
    expect(textOf(await first)).toBe('Hello, Test User!');

    const refused = setGreeting(host, 'Ahoy');
    await page.goto(await desktop.opened.next());
    // FusionAuth asks nobody for a scope that the application does not have.
    await page.waitForURL((at) => at.pathname.endsWith('/callback'));
    const { error } = await refused;
    expect(error?.data?.code).toBe('sign-in-refused');
    expect(error?.message).toMatch(/set_greeting.*add it to the scopes of the application/su);
    expect(textOf(await call(host, 'get_name'))).toBe('Hello, Test User!');
    expect(desktop.opened.count).toBe(2);
    expect({ sent: host.sent, surplus: host.surplus }).toEqual({ sent: host.answered, surplus: [] });
  } finally {
    await page.context().close();
    await host.close();
    await desktop.close();
  }
});
