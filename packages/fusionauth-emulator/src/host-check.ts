import type { RequestHandler } from 'express';

const loopbackName = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/iu;

/**
 * Answers only requests that were addressed to a loopback name. A web page elsewhere can make its own name resolve to
 * 127.0.0.1 (DNS rebinding) and would then be same-origin with everything here; its Host header gives it away.
 */
export const loopbackHostOnly: RequestHandler = (request, response, next) => {
  if (loopbackName.test(request.get('host') ?? '')) next();
  else response.status(403).type('text').send('The FusionAuth emulator answers only to localhost.\n');
};

/** 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\])$/iu.test(host);
}
