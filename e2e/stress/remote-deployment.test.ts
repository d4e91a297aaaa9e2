// The server on a machine of its own, as docker-compose.remote.yml has it: behind a real Caddy with TLS, below a path. Its
// certificates are of Caddy's own authority, since none in the world certifies localhost.
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../support/browser.ts';
import { Desktop, entryOf } from '../support/desktop.ts';
import { freePort } from '../support/free-port.ts';
import { RemoteCaddy } from '../support/remote-caddy.ts';
import { System, type HostConfiguration } from '../support/system.ts';

let system: System;
let browser: Browser;
let desktop: Desktop;
let caddy: RemoteCaddy;
let configuration: HostConfiguration;
let resource: string;

beforeAll(async () => {
  const serverUrl = `https://localhost:${await freePort()}/team`;
  resource = `${serverUrl}/mcp`;
  // A second proxy is to be trusted: Caddy, and who it says is in front of it.
  const serverEnv = { MCP_SERVER_URL: serverUrl, TRUST_PROXY: '2' };
  [system, browser, desktop] = await Promise.all([
    System.start({ serverEnv }),
    Browser.start(),
    Desktop.start(),
  ]);
  caddy = await RemoteCaddy.start({
    processes: system.processes,
    env: desktop.home.env,
    folder: system.folder,
    serverUrl,
    serverPort: Number(new URL(system.mcpUrl).port),
  });
  configuration = entryOf(await system.register('Remote', await freePort(), resource));
});

afterAll(async () => {
  await desktop.close();
  await browser.close();
  await system.close();
});

const forged = '203.0.113.9';

/** The name, through a new proxy that trusts Caddy's authority and calls itself a forwarder of somebody's. */
function host() {
  return desktop.host(configuration, {
    flags: ['--ca-file', caddy.caFile, '--header', `X-Forwarded-For:${forged}`],
  });
}

/** Whose calls the server has noted. */
function auditedAddresses(): string[] {
  const server = system.processes.outputs.find(({ name }) => name === 'mcp-keyhole-server');
  const entries = (server?.stdout ?? '')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { audit?: boolean; address?: string });
  return entries.filter(({ audit }) => audit === true).map(({ address = '' }) => address);
}

async function get(url: string): Promise<IncomingMessage> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, { ca: readFileSync(caddy.caFile), agent: false }, resolve)
      .once('error', reject)
      .end();
  });
}

test('without --ca-file the host and the person at a terminal are told to give it', async () => {
  const error = await desktop.host(configuration).failure();
  expect(error.data).toMatchObject({ code: 'server-unreachable' });
  expect(JSON.stringify(error)).toContain('--ca-file FILE');
  const terminal = desktop.terminal(['tools', resource]);
  expect(await terminal.ended).toBe(1);
  expect(terminal.stderr).toContain('--ca-file FILE');
  expect(desktop.opened.urls).toEqual([]);
});

test('with it a user signs in with a browser, for the resource with its path, and the host gets the name', async () => {
  const greeting = host().getName();
  const page = await desktop.signIn(browser);
  expect(await greeting).toBe('Hello, Test User!');
  expect(page.text).toContain(new URL(resource).host);
  const { searchParams } = new URL(desktop.opened.urls[0] ?? '');
  expect(searchParams.get('resource')).toBe(resource);
});

test('Caddy drops who a client says that it speaks for, unless a trusted proxy says so', async () => {
  await host().getName();
  // The lines of the log may come after the answer.
  await expect.poll(auditedAddresses).toHaveLength(2);
  for (const address of auditedAddresses()) expect(address).toMatch(/^(?:127\.0\.0\.1|::1)$/u);

  await caddy.end();
  await caddy.start({ TRUSTED_PROXIES: '127.0.0.1/8 ::1' });
  expect(await host().getName()).toBe('Hello, Test User!');
  await expect.poll(() => auditedAddresses().slice(2)).toEqual([forged]);
});

test('the metadata is at the root of the host, over TLS only, without a word about Caddy', async () => {
  const { origin, pathname } = new URL(resource);
  const address = `${origin}/.well-known/oauth-protected-resource${pathname}`;
  const response = await get(address);
  expect(JSON.parse(await text(response))).toMatchObject({ resource });
  expect(response.headers).toMatchObject({ 'strict-transport-security': 'max-age=31536000' });
  expect(response.headers['server']).toBeUndefined();

  const { statusCode, headers } = await get(`http://localhost:${caddy.httpPort}${pathname}`);
  expect(statusCode).toBe(308);
  expect(headers.location).toMatch(/^https:\/\/localhost/u);
});
