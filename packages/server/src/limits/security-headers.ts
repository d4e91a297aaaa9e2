import type { RequestHandler } from 'express';

/** Seconds that browsers shall remember to come with TLS only: a year. */
const transportSecurity = 'max-age=31536000';

/**
 * What every answer says to browsers: nothing here is a page, a frame or a thing to keep.
 *
 * @param options.https whether clients reach this server with TLS. HSTS is said only over TLS (RFC 6797, section 7.2): as a
 *   trusted proxy tells it, else as the public URL has it.
 */
export function securityHeaders(options: { https: boolean; proxyIsTrusted: boolean }): RequestHandler {
  return (request, response, next) => {
    response.set({
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
    });
    if (options.https && (request.secure || !options.proxyIsTrusted)) {
      response.set('Strict-Transport-Security', transportSecurity);
    }
    next();
  };
}
