import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { freePort } from './support/free-port.ts';
import { System } from './support/system.ts';

let system: System;
let browser: Browser;
let desktop: Desktop;

beforeAll(async () => {
  [system, browser, desktop] = await Promise.all([System.start(), Browser.start(), Desktop.start()]);
});

afterAll(async () => {
  await desktop.close();
  await browser.close();
  await system.close();
});

test('two proxies started together lead to one browser, and both answer', async () => {
  const configuration = entryOf(await system.register('Twice started', await freePort()));
  const hosts = [desktop.host(configuration), desktop.host(configuration, { sdk: 'v2' })];
  const greetings = hosts.map((host) => host.getName());
  await desktop.signIn(browser);
  expect(await Promise.all(greetings)).toEqual(['Hello, Test User!', 'Hello, Test User!']);
  expect(desktop.opened.count).toBe(1);
  expect(system.traffic.granted('authorization_code')).toHaveLength(1);
  expect(await desktop.keychain.search()).toHaveLength(1);
  expect(desktop.findSecrets(system)).toEqual([]);
});
