import type { Exchange } from '../../src/http/exchange.ts';
import { describe, expect, it } from 'vitest';
import { direct, proxied, requestTo, textOf, ways } from '../support/ways.ts';
import { wireServer } from '../support/wire-server.ts';

/** A server that answers with the cookies that it got, and sets those that the query names. */
const cookieServer = () =>
  wireServer(({ headers, url = '' }, response) => {
    const set = new URL(url, 'http://localhost').searchParams.getAll('set');
    response.writeHead(200, set.length === 0 ? {} : { 'set-cookie': set }).end(headers.cookie ?? 'none');
  });

async function cookiesAt(
  exchange: Exchange,
  url: string,
  headers: Record<string, string> = {},
): Promise<string> {
  return textOf(await exchange(requestTo(url, { headers })));
}

/** Sets cookies at a server. */
async function setAt(exchange: Exchange, url: string, ...cookies: string[]): Promise<void> {
  const query = new URLSearchParams(cookies.map((cookie): [string, string] => ['set', cookie]));
  await cookiesAt(exchange, `${url}?${query.toString()}`);
}

describe.each(ways)('cookies $name', ({ host, open }) => {
  it('come back to the server that set them, until it ends them', async () => {
    const url = `http://${host}:${(await cookieServer()).port}/mcp`;
    const exchange = await open();
    expect(await cookiesAt(exchange, url)).toBe('none');
    await setAt(exchange, url, 'node=a; Path=/; HttpOnly', 'route=7');
    expect(await cookiesAt(exchange, url)).toBe('node=a; route=7');
    expect(await cookiesAt(exchange, url)).toBe('node=a; route=7');
    await setAt(exchange, url, 'node=b; Path=/', 'route=; Max-Age=0');
    expect(await cookiesAt(exchange, url)).toBe('node=b');
  });

  it('stand beside those that the user gives', async () => {
    const url = `http://${host}:${(await cookieServer()).port}/mcp`;
    const exchange = await open();
    const own = { cookie: 'own=1' };
    expect(await cookiesAt(exchange, url, own)).toBe('own=1');
    await setAt(exchange, url, 'node=a');
    expect(await cookiesAt(exchange, url, own)).toBe('own=1; node=a');
  });

  it('are not kept with --disable-cookies', async () => {
    const url = `http://${host}:${(await cookieServer()).port}/mcp`;
    const exchange = await open({ disableCookies: true });
    await setAt(exchange, url, 'node=a; Path=/');
    expect(await cookiesAt(exchange, url)).toBe('none');
    expect(await cookiesAt(exchange, url, { cookie: 'own=1' })).toBe('own=1');
  });

  it('of another user of the same program are not shared', async () => {
    const url = `http://${host}:${(await cookieServer()).port}/mcp`;
    await setAt(await open(), url, 'node=a; Path=/');
    expect(await cookiesAt(await open(), url)).toBe('none');
  });
});

describe('a cookie', () => {
  it.each([
    ['that says nothing', 'node=a', 'http://127.0.0.1', '/'],
    ['that wants to be for others too', 'node=a; Domain=localhost', 'http://127.0.0.1', '/'],
    ['for another path', 'node=a; Path=/mcp', 'http://localhost', '/other'],
    ['for a path that only begins alike', 'node=a; Path=/mcp', 'http://localhost', '/mcp2'],
  ])('%s does not leak to another host or path', async (_what, cookie, host, path) => {
    const { port } = await cookieServer();
    const exchange = await direct.open();
    await setAt(exchange, `http://localhost:${port}/mcp`, cookie);
    expect(await cookiesAt(exchange, `${host}:${port}${path}`)).toBe('none');
  });

  it('of one host is not sent to another through the proxy, which has the same address', async () => {
    const { port } = await cookieServer();
    const exchange = await proxied.open();
    await setAt(exchange, `http://mcp.example.test:${port}/`, 'node=a', 'wide=b; Domain=example.test');
    expect(await cookiesAt(exchange, `http://other.test:${port}/`)).toBe('none');
    // The twin: what is meant for the whole domain is sent in it.
    expect(await cookiesAt(exchange, `http://api.example.test:${port}/`)).toBe('wide=b');
  });

  it('for a foreign domain is dropped', async () => {
    const { port } = await cookieServer();
    const exchange = await direct.open();
    const url = `http://localhost:${port}/`;
    await setAt(exchange, url, 'evil=1; Domain=example.com', 'node=a');
    expect(await cookiesAt(exchange, url)).toBe('node=a');
  });

  it('that only goes over TLS does not go over plain http', async () => {
    const { port } = await cookieServer();
    const exchange = await proxied.open();
    const url = `http://mcp.example.test:${port}/`;
    await setAt(exchange, url, 'secret=1; Secure', 'node=a');
    expect(await cookiesAt(exchange, url)).toBe('node=a');
  });

  it('that cannot be read is dropped, and the answer arrives', async () => {
    const { port } = await cookieServer();
    const exchange = await direct.open();
    const url = `http://127.0.0.1:${port}/`;
    await setAt(exchange, url, '=;;=', '', 'node=a');
    expect(await cookiesAt(exchange, url)).toBe('node=a');
  });
});
