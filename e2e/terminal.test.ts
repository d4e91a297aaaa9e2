import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { freePort } from './support/free-port.ts';
import { System, type Registration } from './support/system.ts';

let system: System;
let browser: Browser;
let desktop: Desktop;
let registration: Registration;

beforeAll(async () => {
  [system, browser, desktop] = await Promise.all([System.start(), Browser.start(), Desktop.start()]);
  registration = await system.register('Terminal', await freePort());
});

afterAll(async () => {
  await desktop.close();
  await browser.close();
  await system.close();
});

/** The arguments after the program in the host's configuration: server, port and flags. */
function proxyArguments(): readonly string[] {
  return entryOf(registration).args.slice(1);
}

test('a sign-in in the terminal serves the host, is shown by status, and is gone after logout', async () => {
  const login = desktop.terminal(['login', ...proxyArguments()]);
  // FusionAuth's pages, and the proxy's own, work without JavaScript.
  await desktop.signIn(browser, { javaScript: false });
  expect(await login.ended).toBe(0);
  expect(login.stdout).toContain(`Signed in to ${system.mcpUrl}`);

  expect(await desktop.host(entryOf(registration)).getName()).toBe('Hello, Test User!');

  const status = desktop.terminal(['status', system.mcpUrl]);
  expect(await status.ended).toBe(0);
  expect(status.stdout).toContain(registration.clientId);

  const again = desktop.terminal(['login', ...proxyArguments()]);
  expect(await again.ended).toBe(0);
  expect(again.stdout).toContain('Already signed in');

  const logout = desktop.terminal(['logout', ...proxyArguments()]);
  expect(await logout.ended).toBe(0);
  expect(await desktop.keychain.search()).toEqual([]);
  expect(await desktop.terminal(['status', system.mcpUrl]).ended).toBe(1);

  expect(desktop.opened.count).toBe(1);
  expect(desktop.findSecrets(system)).toEqual([]);
});
