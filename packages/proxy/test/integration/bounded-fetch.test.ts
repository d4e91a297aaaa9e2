import { describe, expect, it } from 'vitest';
import { createBoundedFetch } from '../../src/authorization/bounded-fetch.ts';
import { createEndpointPolicy } from '../../src/authorization/endpoint-policy.ts';
import type { BoundedFetch } from '../../src/authorization/types.ts';
import { failureOf, refusalOf } from '../support/failure.ts';
import { loopbackServer, sendJson, type Handler } from '../support/loopback-server.ts';

const policy = createEndpointPolicy(new URL('http://localhost:8000/mcp'), false);
const boundedFetch = (signal: AbortSignal = new AbortController().signal): BoundedFetch =>
  createBoundedFetch(policy, fetch, signal);

/** A server that redirects every path but /end to `location`. */
const redirecting =
  (location: string, status = 302): Handler =>
  ({ path }, response) => {
    if (path === '/end') sendJson(response, 200, { arrived: true });
    else response.writeHead(status, { location }).end();
  };

describe('a bounded fetch', () => {
  it('gives status, headers and body', async () => {
    const server = await loopbackServer((_request, response) => {
      sendJson(response, 201, { text: 'grüße' }, { 'x-seen': 'yes' });
    });
    const response = await boundedFetch()(new URL(server.url));
    expect([response.status, response.headers.get('x-seen'), await response.json()]).toEqual([
      201,
      'yes',
      { text: 'grüße' },
    ]);
  });

  it.each([204, 304])('gives an answer without a body: %i', async (status) => {
    const server = await loopbackServer((_request, response) => {
      response.writeHead(status).end();
    });
    const response = await boundedFetch()(new URL(server.url));
    expect([response.status, await response.text()]).toEqual([status, '']);
  });

  it.each([301, 302, 303, 307, 308])('follows a redirect %i within the origin', async (status) => {
    const server = await loopbackServer(redirecting('/end', status));
    const response = await boundedFetch()(new URL('/start', server.url));
    expect(await response.json()).toEqual({ arrived: true });
  });

  it('does not follow a redirect to another origin, not even on this machine', async () => {
    const other = await loopbackServer(redirecting('/end'));
    const server = await loopbackServer(redirecting(`${other.url}/end`));
    const { message } = await failureOf(() => boundedFetch()(new URL('/start', server.url)));
    expect(message).toBe(`it redirects to another origin (${other.url})`);
    expect(other.requests).toEqual([]);
  });

  it('does not follow redirects for ever', async () => {
    const server = await loopbackServer(redirecting('/again'));
    const { message } = await failureOf(() => boundedFetch()(new URL('/start', server.url)));
    expect(message).toBe('it redirects too often');
    expect(server.requests).toHaveLength(4);
  });

  it('never redirects a POST: what it carries is for one address', async () => {
    const server = await loopbackServer(redirecting('/end', 307));
    const response = await boundedFetch()(new URL('/token', server.url), { method: 'POST', body: 'code=1' });
    expect(response.status).toBe(307);
    expect(server.requests.map(({ path }) => path)).toEqual(['/token']);
  });

  it('follows no redirect at all when it is told so', async () => {
    const server = await loopbackServer(redirecting('/end'));
    const response = await boundedFetch()(new URL('/start', server.url), { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, '/end']);
    expect(server.requests.map(({ path }) => path)).toEqual(['/start']);
  });

  it('refuses what the policy refuses, before any request', async () => {
    const { code } = await refusalOf(() => boundedFetch()(new URL('http://mcp.example.com/')));
    expect(code).toBe('insecure-endpoint');
  });

  it.each([
    [1_048_576, undefined],
    [1_048_577, 'its answer is larger than 1 MiB'],
  ])('reads %i bytes at most up to the limit', async (length, refusal) => {
    const server = await loopbackServer((_request, response) => {
      response.end(Buffer.alloc(length, 'x'));
    });
    const reading = boundedFetch()(new URL(server.url)).then((response) => response.text());
    if (refusal === undefined) expect(await reading).toHaveLength(length);
    else await expect(reading).rejects.toThrow(refusal);
  });

  it('stops reading an answer without end', async () => {
    const server = await loopbackServer((_request, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536, 'x')));
      };
      response.on('drain', more);
      more();
    });
    await expect(boundedFetch()(new URL(server.url))).rejects.toThrow('larger than 1 MiB');
  });

  it('ends with the signal while it waits for an answer', async () => {
    const server = await loopbackServer(() => undefined);
    const abort = new AbortController();
    const waiting = failureOf(() => boundedFetch(abort.signal)(new URL(server.url)));
    await server.when(() => true);
    const reason = new Error('shutting down');
    abort.abort(reason);
    expect(await waiting).toBe(reason);
  });

  it('ends with the signal while it reads the body', async () => {
    const abort = new AbortController();
    const reason = new Error('shutting down');
    const server = await loopbackServer((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{', () => {
        abort.abort(reason);
      });
    });
    expect(await failureOf(() => boundedFetch(abort.signal)(new URL(server.url)))).toBe(reason);
  });
});
