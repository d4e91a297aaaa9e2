import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createFetch, type NetworkSettings } from '../../src/network.ts';

const plain: NetworkSettings = {
  connectTimeout: undefined,
  headersTimeout: undefined,
  bodyTimeout: undefined,
  ipv4: false,
  caFile: undefined,
  cert: undefined,
  key: undefined,
  disableCookies: false,
};
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

const greeting = (): Server => createServer((_request, response) => response.end('direct'));

describe('createFetch', () => {
  it('is the global fetch when there is nothing to keep to', () => {
    expect(createFetch(plain, {})).toBe(fetch);
  });

  it('goes through the proxy of the environment for other hosts', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('through the proxy');
    });
    // For https and, since undici 7, for http as well, the proxy is asked for a tunnel; this one ends it here.
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 17\r\n\r\nthrough the proxy'),
      );
    });
    const port = await listening(proxy);
    const ownFetch = createFetch(plain, { HTTP_PROXY: `http://127.0.0.1:${port}` });
    const response = await ownFetch('http://mcp.example.test/mcp');
    expect(await response.text()).toBe('through the proxy');
    expect(asked[0]).toContain('mcp.example.test');
  });

  it('reaches this machine without the proxy', async () => {
    const port = await listening(greeting());
    const ownFetch = createFetch(plain, { HTTP_PROXY: 'http://127.0.0.1:1' });
    expect(await (await ownFetch(`http://127.0.0.1:${port}/`)).text()).toBe('direct');
  });

  it('leaves hosts of NO_PROXY alone', async () => {
    const ownFetch = createFetch(plain, { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: 'mcp.example.test' });
    const failure = await ownFetch('http://mcp.example.test/').catch((error: unknown) => error);
    // Asked directly the name cannot be found; the proxy would have refused the connection.
    expect(String((failure as Error).cause)).not.toContain('ECONNREFUSED');
  });

  it('gives up on an answer that does not begin in time', async () => {
    const port = await listening(createServer(() => undefined));
    const ownFetch = createFetch({ ...plain, headersTimeout: 50 }, {});
    const failure = await ownFetch(`http://127.0.0.1:${port}/`).catch((error: unknown) => error);
    expect((failure as Error).cause).toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
  });

  it('gives up on an answer that pauses too long', async () => {
    const pausing = createServer((_request, response) => {
      response.write('the beginning');
    });
    const ownFetch = createFetch({ ...plain, bodyTimeout: 50 }, {});
    const response = await ownFetch(`http://127.0.0.1:${await listening(pausing)}/`);
    await expect(response.text()).rejects.toThrow();
  });

  it('connects by IPv4 only when that is wanted', async () => {
    const port = await listening(greeting());
    const ownFetch = createFetch({ ...plain, ipv4: true }, {});
    expect(await (await ownFetch(`http://localhost:${port}/`)).text()).toBe('direct');
    const onlyIpv6 = await listening(greeting(), '::1');
    await expect(ownFetch(`http://localhost:${onlyIpv6}/`)).rejects.toThrow('fetch failed');
  });
});
