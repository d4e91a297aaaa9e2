import type { RequestHandler } from 'express';

/** What a script may read of an answer beside its body: how to sign in, which session, when to come again. */
const exposedHeaders = [
  'WWW-Authenticate',
  'DPoP-Nonce',
  'Mcp-Session-Id',
  'Mcp-Protocol-Version',
  'Retry-After',
  'X-Request-Id',
].join(', ');

/** Headers that a client of MCP sends, in lower case; any that begin with `mcp-` besides (2026-07-28 has tools name them). */
const requestHeaders = new Set([
  'accept',
  'authorization',
  'content-type',
  'dpop',
  'last-event-id',
  'traceparent',
  'tracestate',
  'x-request-id',
]);

/** Seconds for which a browser need not ask again. */
const preflightLifetime = 600;

/**
 * Lets pages of the given origins call this server from a browser (CORS). Without credentials: a token is sent by the
 * script, never by the browser. Other origins get no such header; the Origin check refuses them besides.
 */
export function crossOrigin(origins: readonly string[]): RequestHandler {
  return (request, response, next) => {
    if (origins.length > 0) response.vary('Origin');
    const { origin } = request.headers;
    if (origin === undefined || !origins.includes(origin)) {
      next();
      return;
    }
    response.set('Access-Control-Allow-Origin', origin);
    response.set('Access-Control-Expose-Headers', exposedHeaders);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) {
      next();
      return;
    }
    const wanted = request.headers['access-control-request-headers'] ?? '';
    const allowed = wanted
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => requestHeaders.has(name) || /^mcp-[\w-]+$/u.test(name));
    response.set({
      'Access-Control-Allow-Methods': 'GET, POST, DELETE',
      'Access-Control-Allow-Headers': allowed.join(', '),
      'Access-Control-Max-Age': String(preflightLifetime),
    });
    response.status(204).end();
  };
}
