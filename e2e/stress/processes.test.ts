// Many proxies at once, with refresh tokens that can be used once and no grace: whoever uses one twice loses the sign-in.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Browser } from '../support/browser.ts';
import { callTogether, figureOf, printFigures, startHosts, type Scene } from '../support/crowd.ts';
import { Desktop, entryOf } from '../support/desktop.ts';
import { freePort } from '../support/free-port.ts';
import type { Host } from '../support/hosts.ts';
import { System, type HostConfiguration } from '../support/system.ts';

/** How long others wait at most for a lock whose holder was killed: 5 s until it counts as abandoned, and slack. */
const abandonedWithin = 8_000;

// Tokens are made invalid by taking their key away, which a server notices at once only without a cache.
const serverEnv = { TOKEN_VALIDATION: 'api', TOKEN_CACHE: '0' };

let system: System;
let browser: Browser;
let desktop: Desktop;
let scene: Scene;
let configuration: HostConfiguration;
const figures: string[] = [];

beforeAll(async () => {
  [system, browser] = await Promise.all([System.start({ serverEnv }), Browser.start()]);
  await system.patchTenant({ jwtConfiguration: { refreshTokenUsagePolicy: 'OneTimeUse' } });
  configuration = entryOf(await system.register('Many at once', await freePort()));
});

beforeEach(async () => {
  desktop = await Desktop.start();
  scene = { system, browser, desktop };
  await system.setAccessTokenLifetime(3_600);
});

afterEach(() => desktop.close());

afterAll(async () => {
  printFigures('Processes together', figures);
  await browser.close();
  await system.close();
});

async function expectEffort(
  what: string,
  hosts: readonly Host[],
  expected: { signIns: number; refreshes: number },
): Promise<void> {
  const effort = await callTogether(scene, hosts, expected.signIns);
  figures.push(figureOf(what, effort));
  expect(effort).toMatchObject(expected);
}

/** Signs in with one host, which then ends, and waits until its access token has expired. */
async function leaveExpiredToken(): Promise<void> {
  await system.setAccessTokenLifetime(2);
  const host = desktop.host(configuration);
  const greeting = host.getName();
  await desktop.signIn(browser);
  await greeting;
  await host.close();
  await delay(3_000);
  await system.setAccessTokenLifetime(3_600);
}

/** A proxy of its own, so that it can be killed; it asks the server for something at once. */
function startVictim(): ReturnType<Desktop['terminal']> {
  const [, ...args] = configuration.args;
  const victim = desktop.terminal(args, { keepInput: true });
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'e2e', version: '1' },
  };
  victim.type(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  return victim;
}

test('eight proxies started cold together lead to one tab, and all answer', async () => {
  const hosts = startHosts(desktop, configuration, 8);
  await expectEffort('8 cold', hosts, { signIns: 1, refreshes: 0 });
  expect(await desktop.keychain.search()).toHaveLength(1);
});

test('eight proxies that find the same expired token refresh it once', async () => {
  await leaveExpiredToken();
  const hosts = startHosts(desktop, configuration, 8);
  await expectEffort('8 with an expired token', hosts, { signIns: 0, refreshes: 1 });
});

test('eight proxies that get a 401 together refresh once, and sign in once when that is over too', async () => {
  const hosts = startHosts(desktop, configuration, 8);
  await expectEffort('8 cold, again', hosts, { signIns: 1, refreshes: 0 });
  await system.invalidateAccessTokens();
  await expectEffort('8 with a 401 together', hosts, { signIns: 0, refreshes: 1 });
  await system.invalidateAccessTokens();
  await system.revokeRefreshTokens();
  await expectEffort('8 with everything revoked', hosts, { signIns: 1, refreshes: 0 });
  expect(await desktop.keychain.search()).toHaveLength(1);
});

test('five proxies for five servers share one callback port, one tab after another', async () => {
  const port = await freePort();
  const others = await Promise.all(Array.from({ length: 4 }, () => system.addServer()));
  const hosts: Host[] = [];
  for (const [index, mcpUrl] of [system.mcpUrl, ...others].entries()) {
    const registration = await system.register(`Server ${index + 1}`, port, mcpUrl);
    hosts.push(desktop.host(entryOf(registration)));
  }
  const begin = performance.now();
  const greetings = Promise.all(hosts.map((host) => host.getName()));
  const waiting = () => hosts.filter(({ stderr }) => stderr.includes(`under way on port ${port}`)).length;
  // While the first tab is open, the other four say why theirs is not.
  await expect.poll(waiting, { timeout: 20_000 }).toBe(4);
  for (let tabs = 1; tabs <= 5; tabs += 1) {
    expect(desktop.opened.count).toBeLessThanOrEqual(tabs);
    await desktop.signIn(browser);
  }
  expect(await greetings).toEqual(hosts.map(() => 'Hello, Test User!'));
  const seconds = (performance.now() - begin) / 1_000;
  figures.push(`5 servers on one callback port: 5 tabs, all answered after ${seconds.toFixed(1)} s`);
  expect(desktop.opened.count).toBe(5);
  expect(await desktop.keychain.search()).toHaveLength(5);
});

test('a proxy killed during its sign-in delays the next one by no more than 8 s', async () => {
  const victim = startVictim();
  const abandoned = await desktop.opened.next();
  const host = desktop.host(configuration);
  const greeting = host.getName();
  // Where the other one's sign-in is, it can only say while it waits at the lock.
  await expect.poll(() => host.stderr, { timeout: 20_000 }).toContain(abandoned);
  const begin = performance.now();
  await victim.end('SIGKILL');
  const url = await desktop.opened.next();
  const waited = performance.now() - begin;
  figures.push(`the lock's holder killed during its sign-in: the next tab after ${seconds(waited)}`);
  await browser.signIn(url);
  expect(await greeting).toBe('Hello, Test User!');
  expect(waited).toBeLessThan(abandonedWithin);
});

test('a proxy killed during its refresh delays the next one by no more than 8 s, and no tab opens', async () => {
  await leaveExpiredToken();
  const refreshing = system.traffic.swallowNext('/oauth2/token');
  const victim = startVictim();
  await refreshing;
  const host = desktop.host(configuration);
  const greeting = host.getName();
  const begin = performance.now();
  await victim.end('SIGKILL');
  expect(await greeting).toBe('Hello, Test User!');
  const waited = performance.now() - begin;
  figures.push(`the lock's holder killed during its refresh: answered after ${seconds(waited)}`);
  expect(waited).toBeLessThan(abandonedWithin);
});

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}
