import type { CookieJar } from 'tough-cookie';
import type { Exchange } from './exchange.ts';

/**
 * Exchanges that keep cookies for as long as the process lives: load balancers tell by them which node has the session. The
 * library that knows their rules (RFC 6265) is loaded when the first one comes.
 */
export function withCookies(exchange: Exchange): Exchange {
  let jar: Promise<CookieJar> | undefined;
  return async (request) => {
    const cookies = jar === undefined ? '' : await (await jar).getCookieString(request.url.href);
    const own = request.headers['cookie'];
    const cookie = own === undefined || cookies === '' ? (own ?? cookies) : `${own}; ${cookies}`;
    const headers = cookie === '' ? request.headers : { ...request.headers, cookie };
    const response = await exchange({ ...request, headers });
    const set = response.headers['set-cookie'] ?? [];
    if (set.length > 0) {
      jar ??= import('tough-cookie').then((library) => new library.CookieJar());
      for (const cookie of set) await (await jar).setCookie(cookie, request.url.href, { ignoreError: true });
    }
    return response;
  };
}
