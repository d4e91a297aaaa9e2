import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, type LastPage } from './support/browser.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { freePort } from './support/free-port.ts';
import type { Host } from './support/hosts.ts';
import { secretsOf } from './support/secret-scan.ts';
import { System, type Registration } from './support/system.ts';

let system: System;
let browser: Browser;
let desktop: Desktop;
let registration: Registration;
let firstHost: Host;
let greeting: string;
let lastPage: LastPage;

// The main job, once, from nothing: what came of it is looked at from many sides below.
beforeAll(async () => {
  [system, browser, desktop] = await Promise.all([System.start(), Browser.start(), Desktop.start()]);
  registration = await system.register('Claude Desktop', await freePort());
  firstHost = desktop.host(entryOf(registration), { flags: ['--debug'] });
  const answer = firstHost.getName();
  lastPage = await desktop.signIn(browser);
  greeting = await answer;
});

afterAll(async () => {
  await desktop.close();
  await browser.close();
  await system.close();
});

test('the host gets the name of the user who signed in with a real browser', () => {
  expect(greeting).toBe('Hello, Test User!');
});

test('the page on which the sign-in ends names the server, and the address has the code', () => {
  expect(lastPage.url.pathname).toBe('/oauth/callback');
  expect(lastPage.url.searchParams.has('code')).toBe(true);
  expect(lastPage.text).toContain(new URL(system.mcpUrl).host);
});

test('stdout is JSON-RPC and nothing else', () => {
  expect(firstHost.messages.length).toBeGreaterThanOrEqual(2);
  expect(firstHost.messages.every(({ jsonrpc }) => jsonrpc === '2.0')).toBe(true);
});

test('stderr shows the sign-in URL that the browser was given', () => {
  const [, server, url] = /^mcp-keyhole: sign in to (\S+) here: (\S+)$/mu.exec(firstHost.stderr) ?? [];
  expect(server).toBe(system.mcpUrl);
  expect(url).toBe(desktop.opened.urls[0]);
});

test('the sign-in asks for the scopes, the resource, PKCE and a state', () => {
  const { searchParams, origin } = new URL(desktop.opened.urls[0] ?? '');
  expect(origin).toBe(system.fusionAuthUrl);
  expect(Object.fromEntries(searchParams)).toMatchObject({
    client_id: registration.clientId,
    response_type: 'code',
    code_challenge_method: 'S256',
    resource: system.mcpUrl,
    scope: registration.scope,
  });
  expect(registration.scope.split(' ')).toContain('offline_access');
  expect(searchParams.get('state')?.length).toBeGreaterThanOrEqual(22);
});

test('secret-tool finds one item, for this server and client, with the tokens', async () => {
  const items = await desktop.keychain.search();
  expect(items).toHaveLength(1);
  const [item] = items;
  expect(item?.account).toContain(system.mcpUrl);
  expect(item?.account).toContain(registration.clientId);
  const issued = secretsOf(system.traffic.exchanges);
  for (const kind of ['access_token', 'refresh_token']) {
    // Found or not; a failure must not print a token.
    expect(issued.some((secret) => secret.kind === kind && item?.secret.includes(secret.value))).toBe(true);
  }
});

test('the second start needs no browser', async () => {
  const secondHost = desktop.host(entryOf(registration));
  expect(await secondHost.getName()).toBe('Hello, Test User!');
  expect(desktop.opened.count).toBe(1);
  expect(secondHost.stderr).not.toContain('sign in to');
  expect(system.traffic.granted('refresh_token')).toHaveLength(0);
});

test('a host on the v2 SDK shares the sign-in', async () => {
  expect(await desktop.host(entryOf(registration), { sdk: 'v2' }).getName()).toBe('Hello, Test User!');
  expect(desktop.opened.count).toBe(1);
});

test('when its input ends, the proxy ends', async () => {
  const [, ...args] = entryOf(registration).args;
  expect(await desktop.terminal(args).ended).toBe(0);
});

test('no secret of all this is in any output, page or file', () => {
  const kinds = secretsOf(system.traffic.exchanges).map(({ kind }) => kind);
  expect(kinds).toEqual(
    expect.arrayContaining(
      ['access_token', 'refresh_token', 'id_token'].concat([
        'code',
        'code_verifier',
        'code_challenge',
        'state',
        'session cookie',
      ]),
    ),
  );
  expect(desktop.findSecrets(system)).toEqual([]);
});
