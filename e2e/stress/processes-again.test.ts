// What processes.test.ts shows once, here with more proxies and again and again: a race that is rare shows in time.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Browser } from '../support/browser.ts';
import { callTogether, printFigures, startHosts, type Effort, type Scene } from '../support/crowd.ts';
import { Desktop, entryOf } from '../support/desktop.ts';
import { freePort } from '../support/free-port.ts';
import { System, type HostConfiguration } from '../support/system.ts';

// Tokens are made invalid by taking their key away, which a server notices at once only without a cache.
const serverEnv = { RATE_LIMIT_USER: '0', TOKEN_VALIDATION: 'api', TOKEN_CACHE: '0' };

let system: System;
let browser: Browser;
let scene: Scene;
let configuration: HostConfiguration;
const figures: string[] = [];

beforeAll(async () => {
  [system, browser] = await Promise.all([System.start({ serverEnv }), Browser.start()]);
  await system.patchTenant({ jwtConfiguration: { refreshTokenUsagePolicy: 'OneTimeUse' } });
  configuration = entryOf(await system.register('Stress', await freePort()));
});

beforeEach(async () => {
  scene = { system, browser, desktop: await Desktop.start() };
});

afterEach(() => scene.desktop.close());

afterAll(async () => {
  printFigures('Processes under stress', figures);
  await browser.close();
  await system.close();
});

function slowest(efforts: readonly Effort[]): string {
  return `${Math.max(...efforts.map((effort) => effort.seconds)).toFixed(1)} s at most`;
}

test('sixteen proxies get a 401 together forty times, and refresh once each time', async () => {
  const hosts = startHosts(scene.desktop, configuration, 16);
  expect(await callTogether(scene, hosts, 1)).toMatchObject({ signIns: 1, refreshes: 0 });
  const efforts: Effort[] = [];
  for (let round = 1; round <= 40; round += 1) {
    await system.invalidateAccessTokens();
    const effort = await callTogether(scene, hosts, 0);
    expect(effort, `round ${round}`).toMatchObject({ signIns: 0, refreshes: 1 });
    efforts.push(effort);
  }
  figures.push(`16 with a 401 together, 40 rounds: 1 refresh each, ${slowest(efforts)}`);
});

test('eight proxies started cold together ten times open one tab each time', async () => {
  const efforts: Effort[] = [];
  for (let round = 1; round <= 10; round += 1) {
    await system.invalidateAccessTokens();
    await system.revokeRefreshTokens();
    const hosts = startHosts(scene.desktop, configuration, 8);
    const effort = await callTogether(scene, hosts, 1);
    expect(effort, `round ${round}`).toMatchObject({ signIns: 1, refreshes: 0 });
    efforts.push(effort);
    await Promise.all(hosts.map((host) => host.close()));
  }
  figures.push(`8 started together without a grant, 10 rounds: 1 tab each, ${slowest(efforts)}`);
});
