import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { freePort } from './support/free-port.ts';

import { secretsOf } from './support/secret-scan.ts';
import { System, type HostConfiguration } from './support/system.ts';

let system: System;
let browser: Browser;
let configuration: HostConfiguration;
let desktop: Desktop;

beforeAll(async () => {
  [system, browser] = await Promise.all([System.start(), Browser.start()]);
  configuration = entryOf(await system.register('Refresher', await freePort()));
});

// Each test begins signed in, with an access token that lives for two seconds.
beforeEach(async () => {
  desktop = await Desktop.start();
  await system.setAccessTokenLifetime(2);
  const host = desktop.host(configuration);
  const greeting = host.getName();
  await desktop.signIn(browser);
  expect(await greeting).toBe('Hello, Test User!');
  await host.close();
});

afterEach(() => desktop.close());

afterAll(async () => {
  await browser.close();
  await system.close();
});

/** Waits until the newest access token has expired, by the clock that wrote its `exp`. */
async function accessTokenExpires(): Promise<void> {
  const newest = secretsOf(system.traffic.exchanges).findLast(({ kind }) => kind === 'access_token');
  const claims = Buffer.from(newest?.value.split('.')[1] ?? '', 'base64url').toString();
  const { exp } = JSON.parse(claims) as { exp: number };
  await delay((exp + 1) * 1_000 - Date.now());
}

/** The refresh requests that were answered with a token. */
function refreshes(): number {
  return system.traffic.granted('refresh_token').length;
}

test('an expired access token is refreshed without a browser', async () => {
  await accessTokenExpires();
  const before = refreshes();
  const host = desktop.host(configuration, { flags: ['--debug'] });
  expect(await host.getName()).toBe('Hello, Test User!');
  expect(refreshes()).toBeGreaterThan(before);
  expect(desktop.opened.count).toBe(1);
  expect(host.stderr).not.toContain('sign in to');
  expect(desktop.findSecrets(system)).toEqual([]);
});

test('two hosts that find the same expired access token refresh it once', async () => {
  await accessTokenExpires();
  await system.setAccessTokenLifetime(3_600);
  const before = refreshes();
  const greetings = [desktop.host(configuration), desktop.host(configuration)].map((host) => host.getName());
  expect(await Promise.all(greetings)).toEqual(['Hello, Test User!', 'Hello, Test User!']);
  expect(refreshes() - before).toBe(1);
  expect(desktop.opened.count).toBe(1);
});

test('a revoked refresh token leads to exactly one browser', async () => {
  await system.revokeRefreshTokens();
  await accessTokenExpires();
  await system.setAccessTokenLifetime(3_600);
  const before = refreshes();
  const greetings = [desktop.host(configuration), desktop.host(configuration)].map((host) => host.getName());
  await desktop.signIn(browser);
  expect(await Promise.all(greetings)).toEqual(['Hello, Test User!', 'Hello, Test User!']);
  expect(desktop.opened.count).toBe(2);
  expect(refreshes()).toBe(before);
  expect(await desktop.keychain.search()).toHaveLength(1);
  expect(desktop.findSecrets(system)).toEqual([]);
});
