import dns from 'node:dns';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished, vi, type MockInstance } from 'vitest';
import { NotSent } from '../../src/http/failures.ts';
import { failureOf } from '../support/failure.ts';
import { forwardProxy } from '../support/forward-proxy.ts';
import { direct, exchangeThrough, proxied, requestTo, textOf } from '../support/ways.ts';
import { wireServer } from '../support/wire-server.ts';

const ok = (request: IncomingMessage, response: ServerResponse): void => {
  request.resume().on('end', () => response.end('ok'));
};

describe('a name that nobody has', () => {
  it.each([
    ['directly', () => direct.open(), 'http://nowhere.invalid/mcp'],
    [
      'of the proxy',
      () => Promise.resolve(exchangeThrough({ url: 'http://nowhere.invalid:3128' })),
      'http://mcp.example.test/mcp',
    ],
  ])('is known before anything is sent: %s', async (_who, open, url) => {
    const exchange = await open();
    const failure = await failureOf(() => exchange(requestTo(url)));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toContain('nowhere.invalid');
  });
});

describe('a proxy of the environment', () => {
  it('is not asked for this machine, nor for what NO_PROXY names', async () => {
    const server = await wireServer(ok);
    const proxy = await forwardProxy();
    const exchange = exchangeThrough(proxy, {}, { NO_PROXY: 'direct.example.test,.internal.test' });
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await textOf(await exchange(requestTo(`http://${host}:${server.port}/`)))).toBe('ok');
    }
    for (const host of ['direct.example.test', 'a.internal.test']) {
      const failure = await failureOf(() => exchange(requestTo(`http://${host}:${server.port}/`)));
      // Not the proxy, to whom every name is known.
      expect(failure).toBeInstanceOf(NotSent);
      expect(failure.message).toContain(host);
    }
    expect(proxy.asked).toEqual([]);
    await textOf(await exchange(requestTo(`http://mcp.example.test:${server.port}/`)));
    expect(proxy.asked).toEqual([`CONNECT mcp.example.test:${server.port}`]);
  });

  it('is the one for the scheme', async () => {
    const server = await wireServer(ok);
    const [forHttp, forHttps] = [await forwardProxy(), await forwardProxy()];
    const exchange = exchangeThrough(forHttp, { connectTimeout: 5_000 }, { HTTPS_PROXY: forHttps.url });
    await textOf(await exchange(requestTo(`http://mcp.example.test:${server.port}/`)));
    // That the server speaks no TLS shows that the tunnel led to it.
    await failureOf(() => exchange(requestTo(`https://mcp.example.test:${server.port}/`)));
    expect([forHttp.asked.length, forHttps.asked.length]).toEqual([1, 1]);
  });

  it.each([403, 407, 503])('that refuses with %i lets nothing be sent', async (status) => {
    const proxy = await forwardProxy({ answersConnect: status });
    const exchange = exchangeThrough(proxy);
    const failure = await failureOf(() => exchange(requestTo('http://mcp.example.test/mcp')));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toContain(String(status));
  });

  it('that is not there lets nothing be sent', async () => {
    const proxy = await forwardProxy();
    await proxy.close();
    const exchange = exchangeThrough(proxy);
    const failure = await failureOf(() => exchange(requestTo('http://mcp.example.test/mcp')));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toContain('ECONNREFUSED');
  });

  it('that never answers is given up in the time for connecting', async () => {
    const exchange = exchangeThrough(await forwardProxy({ answersConnect: 'never' }), {
      connectTimeout: 200,
    });
    const failure = await failureOf(() => exchange(requestTo('http://mcp.example.test/mcp')));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toBe('connecting took longer than 0.2 seconds');
  });
});

describe('IPv4 only', () => {
  const name = 'both.example.test';

  /** A name that has both addresses, which no machine can be relied on to have. */
  function nameOfBoth(): void {
    const lookup = vi.spyOn(dns, 'lookup') as unknown as MockInstance<Lookup>;
    lookup.mockImplementation((host, { family, all }, callback) => {
      expect(host).toBe(name);
      const both = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ].filter((each) => family !== 4 || each.family === 4);
      if (all === true) callback(null, both);
      else callback(null, both[0]?.address ?? '', both[0]?.family);
    });
    onTestFinished(() => {
      lookup.mockRestore();
    });
  }

  it('does not reach what listens on IPv6 alone, which is reached otherwise', async () => {
    const server = await wireServer(ok, { host: '::1' });
    nameOfBoth();
    const request = requestTo(`http://${name}:${server.port}/`);
    expect(await textOf(await (await direct.open())(request))).toBe('ok');
    const only = await direct.open({ ipv4: true });
    expect(await failureOf(() => only(request))).toBeInstanceOf(NotSent);
    expect(server.requests).toBe(1);
  });

  it('holds for the way to the proxy', async () => {
    const server = await wireServer(ok);
    const { url } = await forwardProxy({ host: '::1' });
    nameOfBoth();
    const proxy = { url: url.replace('[::1]', name) };
    const request = requestTo(`http://${proxied.host}:${server.port}/`);
    expect(await textOf(await exchangeThrough(proxy)(request))).toBe('ok');
    expect(await failureOf(() => exchangeThrough(proxy, { ipv4: true })(request))).toBeInstanceOf(NotSent);
    expect(server.requests).toBe(1);
  });
});

type Lookup = (
  host: string,
  options: { family?: number; all?: boolean },
  callback: (error: null, found: string | dns.LookupAddress[], family?: number) => void,
) => void;
