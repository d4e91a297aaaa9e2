import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../support/browser.ts';
import { Desktop, entryOf } from '../support/desktop.ts';
import { freePort } from '../support/free-port.ts';
import { Registry } from '../support/registry.ts';
import { System, type Registration } from '../support/system.ts';

// Downloads through a cold registry take their time.
const slow = 180_000;

let registry: Registry;
let system: System;
let browser: Browser;
let desktop: Desktop;
let registration: Registration;

// The emulator, the server and setup run as `npx @mcp-keyhole/…` does on a computer that never saw them.
beforeAll(async () => {
  registry = await Registry.start();
  [system, browser, desktop] = await Promise.all([
    System.start({ registry }),
    Browser.start(),
    Desktop.start(),
  ]);
  registration = await system.register('Claude Desktop', await freePort());
}, slow);

afterAll(async () => {
  await desktop.close();
  await browser.close();
  await system.close();
  await registry.close();
});

test(
  'a v1 host starts the configuration that setup prints, in an empty folder with an empty npm cache',
  async () => {
    const entry = entryOf(registration);
    expect([entry.command, ...entry.args.slice(0, 3)]).toEqual(['npx', '-y', 'mcp-keyhole', system.mcpUrl]);
    const greeting = desktop.host(entry, registry.fresh(desktop.env)).getName();
    await desktop.signIn(browser);
    expect(await greeting).toBe('Hello, Test User!');
  },
  slow,
);

test(
  'so does a v2 host in its default mode, and finds the sign-in of the first',
  async () => {
    const host = desktop.host(entryOf(registration), { sdk: 'v2', ...registry.fresh(desktop.env) });
    expect(await host.getName()).toBe('Hello, Test User!');
    expect(desktop.opened.count).toBe(1);
    expect(host.messages.every(({ jsonrpc }) => jsonrpc === '2.0')).toBe(true);
    expect(desktop.findSecrets(system)).toEqual([]);
  },
  slow,
);
