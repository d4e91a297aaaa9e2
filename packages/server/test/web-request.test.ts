import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { webRequest } from '../src/web-request.ts';

/** A request as Node gives it, with a header that came twice. */
async function received(): Promise<IncomingMessage> {
  const server = createServer((_request, response) => void response.end()).listen(0, '127.0.0.1');
  const requests = once(server, 'request');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const headers: [string, string][] = [
    ['Accept', 'text/event-stream'],
    ['Mcp-Name', 'one'],
    ['Mcp-Name', 'two'],
  ];
  await fetch(`http://127.0.0.1:${port}/mcp?query`, { method: 'POST', body: '{}', headers });
  server.close();
  const [request] = (await requests) as [IncomingMessage];
  return request;
}

it('has method, URL and headers', async () => {
  const request = webRequest(await received());
  expect(request).toBeInstanceOf(Request);
  expect(request.method).toBe('POST');
  expect(request.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp\?query$/u);
  expect(request.headers.get('ACCEPT')).toBe('text/event-stream');
  expect(Object.fromEntries(request.headers)).toMatchObject({
    accept: 'text/event-stream',
    'mcp-name': 'one, two',
  });
  expect(request.headers).toBe(request.headers);
  expect(['accept', 'mcp-name', 'absent'].map((name) => request.header(name))).toEqual([
    'text/event-stream',
    'one, two',
    undefined,
  ]);
});

it('tells that the client has gone, whether asked before or afterwards', async () => {
  const before = webRequest(await received());
  const { signal } = before;
  expect(signal.aborted).toBe(false);
  before.abort();
  expect(signal.aborted).toBe(true);
  const afterwards = webRequest(await received());
  afterwards.abort();
  expect(afterwards.signal.aborted).toBe(true);
});

it('is a real one to whoever wants more', async () => {
  const request = webRequest(await received());
  expect(request.body).toBeNull();
  expect(request.bodyUsed).toBe(false);
  expect(request.redirect).toBe('follow');
  expect(await request.text()).toBe('');
  const copy = request.clone();
  expect(copy.method).toBe('POST');
  expect(copy.headers.get('mcp-name')).toBe('one, two');
  // The constructor looks into the object that it is given.
  const forwarded = new Request(copy, { headers: { 'x-more': '1' } });
  expect(forwarded.url).toBe(request.url);
  request.abort();
  expect(copy.signal.aborted).toBe(true);
});
