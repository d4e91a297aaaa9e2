import type { RequestHandler } from 'express';

const wellKnown = '/.well-known/';

/**
 * Lets the app be reached under the path of the public URL, as reverse proxies send it that do not strip that path, and
 * without it, as those do that strip it. In a well-known URI the path stands at the end, before `/mcp` (RFC 9728, section
 * 3.1).
 */
export function withoutPathPrefix(publicUrl: string): RequestHandler {
  const prefix = new URL(publicUrl).pathname.replace(/\/$/u, '');
  return (request, _response, next) => {
    const { url } = request;
    if (prefix !== '') {
      if (url.startsWith(wellKnown)) request.url = url.replace(`${prefix}/mcp`, '/mcp');
      else if (url.startsWith(`${prefix}/`)) request.url = url.slice(prefix.length);
    }
    next();
  };
}
