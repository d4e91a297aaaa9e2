import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { textOf } from '../json.ts';
import { messagePage } from '../pages/error.ts';
import { sendPage } from '../pages/send.ts';
import { redirectUriAllowed } from './redirect-uri.ts';

/**
 * `GET /oauth2/logout?client_id=…`: ends the SSO session, not the refresh tokens. Goes on to
 * `post_logout_redirect_uri` where the application knows it, to the application's logout URL, or to a page.
 */
export function logoutRoute({ engine, store }: Context): RequestHandler {
  return async (request, response) => {
    const ctx = engine.createContext(request, response);
    const session = await engine.Session.get(ctx);
    await session.destroy();
    response.clearCookie(engine.cookieName('session'), { path: '/' });
    response.clearCookie(`${engine.cookieName('session')}.sig`, { path: '/' });
    const application = store.applications.get(textOf(request.query['client_id']) ?? '');
    const asked = textOf(request.query['post_logout_redirect_uri']);
    const target =
      application !== undefined && asked !== undefined && redirectUriAllowed(application, asked)
        ? asked
        : application?.oauthConfiguration.logoutURL;
    if (target === undefined) {
      sendPage(response, messagePage('Signed out', 'You are signed out. You can close this page.'));
      return;
    }
    const url = new URL(target);
    const state = textOf(request.query['state']);
    if (state !== undefined) url.searchParams.set('state', state);
    response.status(302).set({ Location: url.href, 'Cache-Control': 'no-store' }).end();
  };
}
