import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashOf, Prover } from '../packages/fusionauth-emulator/test/support/prover.ts';
import { Browser } from './support/browser.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { freePort } from './support/free-port.ts';
import type { Host } from './support/hosts.ts';
import { secretsOf } from './support/secret-scan.ts';
import { System } from './support/system.ts';

let system: System;
let browser: Browser;
let desktop: Desktop;
let host: Host;
let greeting: string;
let stolen: string;

// Signed in at a server that takes only tokens which are bound to a key; then the access token leaks.
beforeAll(async () => {
  [system, browser, desktop] = await Promise.all([
    System.start({ serverEnv: { DPOP: 'require' } }),
    Browser.start(),
    Desktop.start(),
  ]);
  host = desktop.host(entryOf(await system.register('Claude Desktop', await freePort())));
  const answer = host.getName();
  await desktop.signIn(browser);
  greeting = await answer;
  stolen = secretsOf(system.traffic.exchanges).find(({ kind }) => kind === 'access_token')?.value ?? '';
});

afterAll(async () => {
  await desktop.close();
  await browser.close();
  await system.close();
});

const call = (headers: Record<string, string>): Promise<Response> =>
  fetch(system.mcpUrl, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
  });

test('the host is answered: its tokens are bound, and every request proves the key', () => {
  // The name is userinfo’s, which asks for a proof that only the client can make.
  expect(greeting).toMatch(/^Hello, .+!$/u);
});

test('the stolen token is refused as bearer token', async () => {
  const response = await call({ Authorization: `Bearer ${stolen}` });
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/u);
});

test('the stolen token is refused with a proof by another key', async () => {
  const thief = await Prover.create();
  const DPoP = await thief.proof('POST', system.mcpUrl, { ath: hashOf(stolen) });
  const response = await call({ Authorization: `DPoP ${stolen}`, DPoP });
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_dpop_proof"/u);
});

test('the owner goes on', async () => {
  expect(await host.getName()).toBe(greeting);
});

test('the owner ends it all with a proof of the key', async () => {
  const logout = desktop.terminal(['logout', system.mcpUrl]);
  expect(await logout.ended, logout.stderr).toBe(0);
  expect(logout.stdout).toMatch(/^Refresh token revoked at FusionAuth/u);
});
