import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { Desktop, entryOf } from './support/desktop.ts';
import { freePort } from './support/free-port.ts';
import type { JsonRpcError } from './support/hosts.ts';
import { PrivateHome, type Environment } from './support/private-home.ts';
import { Processes } from './support/processes.ts';
import { binFile, repository, type Bin } from './support/programs.ts';
import { System, type HostConfiguration } from './support/system.ts';

const home = new PrivateHome();
const processes = new Processes();
/** Every code that was seen, for the README's table. */
const seen = new Set<string>();

let system: System;
let browser: Browser;
let desktop: Desktop;

beforeAll(async () => {
  [system, browser, desktop] = await Promise.all([System.start(), Browser.start(), Desktop.start()]);
});

afterAll(async () => {
  await processes.close();
  await desktop.close();
  await browser.close();
  await system.close();
  home.remove();
});

/** Starts a program that must end by itself; what it says has a sentence, a remedy and a code. */
async function refusal(
  bin: Bin,
  args: readonly string[],
  env: Environment = {},
): Promise<{ exit: number | NodeJS.Signals; text: string; code: string; stdout: string }> {
  const { exit, stdout, stderr } = await processes.runBin(bin, args, { env: { ...home.env, ...env } });
  // The last three lines: other lines may tell of the progress before.
  const [, text = '', code = ''] =
    new RegExp(`^(${bin}: .+\\n  .+\\n(?:  .+\\n)*)  \\[(\\S+)\\]\\n$`, 'mu').exec(stderr) ?? [];
  expect(code, stderr).not.toBe('');
  expect(stderr).not.toMatch(/^\s+at /mu);
  seen.add(code);
  return { exit, text, code, stdout };
}

function proxyTo(url: string, ...args: readonly string[]): HostConfiguration {
  const client = JSON.stringify({ client_id: '00000000-0000-4000-8000-000000000000', scope: 'openid' });
  return {
    command: process.execPath,
    args: [binFile('mcp-keyhole'), url, '--static-oauth-client-info', client, ...args],
  };
}

/** What a host gets: one JSON-RPC error with a code and a remedy. */
async function jsonRpcRefusal(configuration: HostConfiguration, at = desktop): Promise<JsonRpcError> {
  const error = await at.host(configuration).failure();
  expect(error.data?.code, JSON.stringify(error)).toMatch(/^[a-z-]+$/u);
  expect(error.data?.['remedy']).toMatch(/\.$/u);
  seen.add(error.data?.code ?? '');
  return error;
}

/** An HTTP server of another kind. */
async function serve(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  return { server, port: (server.address() as AddressInfo).port };
}

describe('on the command line', () => {
  test.each<[Bin, string[], string]>([
    ['mcp-keyhole', ['http://localhost:1/mcp', '--alow-http'], '--allow-http'],
    ['mcp-keyhole-server', ['--prot', '1'], '--port'],
    ['mcp-keyhole-setup', ['--nane', 'x'], '--name'],
    ['fusionauth-emulator', ['--kick-start', 'x'], '--kickstart'],
  ])('%s refuses an unknown flag with a hint at the nearest', async (bin, args, hint) => {
    const { exit, text, code } = await refusal(bin, args);
    expect([exit, code]).toEqual([2, 'usage']);
    expect(text).toContain(`Did you mean ${hint}?`);
  });

  test.each(['not a url', 'localhost:8000/mcp', 'ftp://localhost/mcp'])('a bad URL: %s', async (url) => {
    const { exit, text, code } = await refusal('mcp-keyhole', [url]);
    expect([exit, code]).toEqual([2, 'usage']);
    expect(text).toContain('such as https://mcp.example.com/mcp');
  });

  test('http to a remote host', async () => {
    const { exit, text, code } = await refusal('mcp-keyhole', ['http://mcp.example.com/mcp']);
    expect([exit, code]).toEqual([2, 'usage']);
    expect(text).toContain('--allow-http');
  });

  test('client information that is not JSON', async () => {
    const args = ['http://localhost:1/mcp', '--static-oauth-client-info', '{client_secret: hush}'];
    const { exit, text, code } = await refusal('mcp-keyhole', args);
    expect([exit, code]).toEqual([2, 'usage']);
    expect(text).not.toContain('hush');
  });
});

describe('at the MCP server', () => {
  test('that cannot be reached', async () => {
    const error = await jsonRpcRefusal(proxyTo(`http://localhost:${await freePort()}/mcp`));
    expect(error.data?.code).toBe('server-unreachable');
  });

  test('without OAuth: it is used as it is', async () => {
    const open = await System.start({ serverEnv: { AUTH: 'off' } });
    onTestFinished(() => open.close());
    const configuration: HostConfiguration = {
      command: process.execPath,
      args: [binFile('mcp-keyhole'), open.mcpUrl],
    };
    expect(await desktop.host(configuration).getName()).toBe('Hello, World!');
  });

  test('that wants a token and does not say from where', async () => {
    const { port } = await serve((request, response) => {
      response.writeHead(request.url === '/mcp' ? 401 : 404).end();
    });
    const error = await jsonRpcRefusal(proxyTo(`http://localhost:${port}/mcp`));
    expect(error.data?.code).toBe('resource-metadata-missing');
    expect(error.message).toContain('--header');
  });

  test('that is a web page', async () => {
    const { port } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Shop</title>');
    });
    const error = await jsonRpcRefusal(proxyTo(`http://localhost:${port}/`));
    expect(error.data?.code).toBe('server-answer-unusable');
  });
});

describe('at the sign-in', () => {
  test('without a registered client', async () => {
    const error = await jsonRpcRefusal({
      command: process.execPath,
      args: [binFile('mcp-keyhole'), system.mcpUrl],
    });
    expect(error.data?.code).toBe('client-not-registered');
    expect(error.message).toContain('npx @mcp-keyhole/setup');
  });

  test('with the callback port taken', async () => {
    const { port } = await serve((_, response) => response.end());
    const error = await jsonRpcRefusal(proxyTo(system.mcpUrl, String(port)));
    expect(error.data?.code).toBe('callback-port-in-use');
    expect(error.message).toContain('npx @mcp-keyhole/setup --port');
  });

  test('with a FusionAuth whose issuer is still acme.com, the proxy and the server say what to change', async () => {
    const acme = await System.start();
    onTestFinished(() => acme.close());
    await acme.patchTenant({ issuer: 'acme.com' });
    const error = await jsonRpcRefusal(proxyTo(acme.mcpUrl, String(await freePort())));
    expect(error.data?.code).toBe('issuer-mismatch');
    expect(error.message).toMatch(/acme\.com.*Tenants.*Issuer/su);

    const { exit, text, code } = await refusal('mcp-keyhole-server', [], { FUSIONAUTH_ISSUER: 'acme.com' });
    expect([exit, code]).toEqual([2, 'issuer-not-a-url']);
    expect(text).toMatch(/Tenants.*Issuer/su);
  });
});

describe('in the keychain', () => {
  test('that is absent: an error when it was asked for', async () => {
    const { exit, text, code } = await refusal('mcp-keyhole', [
      system.mcpUrl,
      '--token-store',
      'keychain',
      '--static-oauth-client-info',
      '{"client_id":"x"}',
    ]);
    expect([exit, code]).toEqual([1, 'keychain-absent']);
    expect(text).toContain('--token-store file, or memory');
  });

  test('that is absent: memory otherwise, one line that names the choices, and a login that refuses', async () => {
    const bare = await Desktop.start({ keychain: false });
    onTestFinished(() => bare.close());
    const registration = await system.register('No keychain', await freePort());
    const host = bare.host(entryOf(registration));
    const greeting = host.getName();
    await bare.signIn(browser);
    expect(await greeting).toBe('Hello, Test User!');
    const lines = host.stderr.split('\n').filter((line) => line.includes('keychain'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/memory.*Secret Service.*--token-store memory/u);
    expect(bare.findSecrets(system)).toEqual([]);

    const [, ...args] = entryOf(registration).args;
    const absent = await refusal('mcp-keyhole', ['login', ...args]);
    expect([absent.exit, absent.code]).toEqual([1, 'keychain-absent']);
    const refused = await refusal('mcp-keyhole', ['login', ...args, '--token-store', 'memory']);
    expect([refused.exit, refused.code]).toEqual([1, 'memory-store-refused']);
  });

  test('that is locked is neither an absent one nor an empty one', async () => {
    const locked = await Desktop.start();
    onTestFinished(() => locked.close());
    const entry = entryOf(await system.register('Locked keychain', await freePort()));
    const first = locked.host(entry);
    const greeting = first.getName();
    await locked.signIn(browser);
    await greeting;
    await locked.keychain.lock();
    const error = await jsonRpcRefusal(entry, locked);
    expect(error.data?.code).toBe('keychain-locked');
    expect(locked.opened.count).toBe(1);
  });
});

describe('at setup', () => {
  test('with no FusionAuth running', async () => {
    const url = `http://localhost:${await freePort()}`;
    const { exit, text, code } = await refusal('mcp-keyhole-setup', ['--name', 'x', '--fusionauth-url', url]);
    expect([exit, code]).toEqual([1, 'fusionauth-unreachable']);
    expect(text).toContain('npx @mcp-keyhole/fusionauth-emulator');
  });

  test('with a wrong API key', async () => {
    const args = ['--name', 'x', '--fusionauth-url', system.fusionAuthUrl, '--api-key', 'a-wrong-key'];
    const { exit, text, code } = await refusal('mcp-keyhole-setup', args);
    expect([exit, code]).toEqual([1, 'api-key-refused']);
    expect(text).not.toContain('a-wrong-key');
  });

  test('with an unlicensed FusionAuth', async () => {
    const unlicensed = await System.start({ emulatorFlags: ['--unlicensed'] });
    onTestFinished(() => unlicensed.close());
    const args = ['--name', 'x', '--fusionauth-url', unlicensed.fusionAuthUrl];
    const { exit, text, code } = await refusal('mcp-keyhole-setup', args);
    expect([exit, code]).toEqual([1, 'unlicensed']);
    expect(text).toContain('FUSIONAUTH_LICENSE_KEY');
  });

  test('with a name that somebody else has taken, and without any', async () => {
    const args = ['--fusionauth-url', system.fusionAuthUrl, '--json'];
    await system.createApplication('Taken');
    const taken = await refusal('mcp-keyhole-setup', ['--name', 'Taken', ...args]);
    expect([taken.exit, taken.code, taken.stdout]).toEqual([1, 'name-taken', '']);
    const nameless = await refusal('mcp-keyhole-setup', args);
    expect([nameless.exit, nameless.code]).toEqual([2, 'name-missing']);
  });
});

describe('where a server starts', () => {
  test.each<Bin>(['mcp-keyhole-server', 'fusionauth-emulator'])('%s with its port taken', async (bin) => {
    const { port } = await serve((_, response) => response.end());
    const { exit, text, code } = await refusal(bin, ['--port', String(port)]);
    expect([exit, code]).toEqual([1, 'port-in-use']);
    expect(text).toContain('--port');
  });

  test('without authentication on a network', async () => {
    const { exit, code } = await refusal('mcp-keyhole-server', ['--host', '0.0.0.0'], { AUTH: 'off' });
    expect([exit, code]).toEqual([2, 'unprotected-on-network']);
  });

  test('the emulator on a network', async () => {
    const { exit, text } = await refusal('fusionauth-emulator', ['--host', '0.0.0.0', '--port', '0']);
    expect(exit).toBe(2);
    expect(text).toContain('--allow-non-loopback');
  });
});

test('the README has every code that was shown here in its table', () => {
  expect(seen.size).toBeGreaterThanOrEqual(18);
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const missing = [...seen].filter((code) => !new RegExp(`^\\|[^\\n]*\`${code}\``, 'mu').test(readme));
  expect(missing).toEqual([]);
});
