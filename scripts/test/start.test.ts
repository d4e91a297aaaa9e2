import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig, type StartConfig } from '../start/config.ts';
import { checkPorts } from '../start/ports.ts';
import { firstForm, submitSignIn } from '../start/sign-in.ts';

function config(argv: string[], env: Record<string, string> = {}, isTerminal = true): StartConfig {
  const loaded = loadConfig(argv, env, { platform: 'linux', isTerminal });
  if (loaded === 'help') throw new Error('it shows help');
  return loaded;
}

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
});

/** Starts a server on a free loopback port; gives its origin. */
async function serve(listener: Parameters<typeof createServer>[1], host = '127.0.0.1'): Promise<URL> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

describe('npm start', () => {
  it('opens a browser where there is a display, and never under CI or with --yes', () => {
    expect(config([], { DISPLAY: ':0' }).opensBrowser).toBe(true);
    expect(config([], { WAYLAND_DISPLAY: 'wayland-0' }).opensBrowser).toBe(true);
    expect(config([]).opensBrowser).toBe(false);
    expect(config([], { DISPLAY: ':0', CI: 'true' }).opensBrowser).toBe(false);
    expect(config(['--yes'], { DISPLAY: ':0' }).opensBrowser).toBe(false);
  });

  it('stays up on a terminal, unless told to prove only', () => {
    expect(config([]).staysUp).toBe(true);
    expect(config(['--once']).staysUp).toBe(false);
    expect(config([], {}, false).staysUp).toBe(false);
  });

  it('refuses what it does not know', () => {
    expect(() => config(['--portt', '1'])).toThrow('There is no flag --portt.');
    expect(() => config(['8001'])).toThrow('There is nothing to do with "8001".');
  });

  it.each(['port', 'fusionauth-port', 'callback-port'])(
    'tells the way out when --%s is taken',
    async (flag) => {
      const { port } = await serve(() => undefined);
      const free = ['--port=18000', '--fusionauth-port=18001', '--callback-port=18002'];
      await expect(checkPorts(config([...free, `--${flag}`, port]))).rejects.toMatchObject({
        code: 'port-in-use',
        remedy: expect.stringContaining(`npm start -- --${flag} ${Number(port) + 1}`) as string,
      });
    },
  );

  it('refuses one port for two things', async () => {
    await expect(checkPorts(config(['--port=18001', '--fusionauth-port=18001']))).rejects.toMatchObject({
      code: 'port-in-use',
    });
  });
});

describe('a form', () => {
  it('sends what a browser sends when its first button is pressed', () => {
    const form = firstForm(`<p><form method="post" action="/login?a=1&amp;b=2">
      <input type="hidden" name="csrf" value="&quot;x&quot; &amp; y">
      <input type="checkbox" name="scope" value="email" checked><input type="checkbox" name="scope" value="phone">
      <input name="loginId" autofocus>
      <button type="submit" name="decision" value="allow">Allow</button>
      <button name="decision" value="cancel">Cancel</button></form>`);
    expect(form?.action).toBe('/login?a=1&b=2');
    expect([...(form?.fields ?? [])]).toEqual([
      ['csrf', '"x" & y'],
      ['scope', 'email'],
      ['loginId', ''],
      ['decision', 'allow'],
    ]);
  });

  it('is not found where there is none', () => {
    expect(firstForm('<p>Sorry</p>')).toBeUndefined();
  });
});

describe('a sign-in that cannot be completed', () => {
  const user = { email: 'test@example.com', password: 'password' };

  it('says what the page says', async () => {
    const origin = await serve((_request, response) =>
      response.end('<title>No</title><h1>No such &amp; client</h1>'),
    );
    await expect(submitSignIn(`${origin.href}authorize`, user)).rejects.toMatchObject({
      code: 'sign-in-stuck',
      message: `The sign-in came no further than ${origin.origin}/authorize: No such & client.`,
    });
  });

  it('ends when the same form comes again and again', async () => {
    const origin = await serve((_request, response) =>
      response.end('Wrong password.<form><input name="password"></form>'),
    );
    await expect(submitSignIn(origin.href, user)).rejects.toThrow('Wrong password.');
  });

  it('ends when it is sent round in a circle', async () => {
    const origin = await serve((_request, response) => response.writeHead(302, { location: '/' }).end());
    await expect(submitSignIn(origin.href, user)).rejects.toThrow('more than 20 redirects');
  });
});
