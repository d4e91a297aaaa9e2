import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { freePort } from './support/free-port.ts';
import { System } from './support/system.ts';

let system: System;
let browser: Browser;
let desktop: Desktop;

beforeAll(async () => {
  [system, browser] = await Promise.all([System.start(), Browser.start()]);
});

beforeEach(async () => {
  desktop = await Desktop.start();
});

afterAll(async () => {
  await browser.close();
  await system.close();
});

afterEach(() => desktop.close());

test('a denial is a JSON-RPC error with a code, and one clear line on stderr', async () => {
  const host = desktop.host(entryOf(await system.register('Denied', await freePort())));
  const failure = host.failure();
  const page = await desktop.signIn(browser, { answer: 'Cancel' });
  const error = await failure;
  expect(error.data?.code).toBe('sign-in-refused');
  expect(error.message).toContain(system.mcpUrl);
  expect(error.message).toContain('allow the access');
  expect(page.url.searchParams.has('error')).toBe(true);
  expect(page.text).not.toMatch(/success|signed in/iu);

  const lines = host.stderr.split('\n').filter((line) => line.includes('refused'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^mcp-keyhole: .*allow the access.*sign-in-refused/u);
  expect(host.stderr).not.toMatch(/^\s+at /mu);
  expect(desktop.opened.count).toBe(1);
  expect(await desktop.keychain.search()).toEqual([]);
  expect(system.traffic.granted('authorization_code')).toEqual([]);
});

test('a host that goes away during the sign-in takes the proxy with it, and frees the callback port', async () => {
  const port = await freePort();
  const [, ...args] = entryOf(await system.register('Abandoned', port)).args;
  const proxy = desktop.terminal(args, { keepInput: true });
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'e2e', version: '1' },
  };
  proxy.type(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
  await desktop.opened.next();
  expect(await fetch(`http://localhost:${port}/`)).toHaveProperty('ok', false);
  proxy.endInput();
  expect(await proxy.ended).toBe(0);
  await expect(fetch(`http://localhost:${port}/`)).rejects.toThrow('fetch failed');
});
