import type { Request, RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { textOf } from '../json.ts';
import { activeApplication } from '../store/store.ts';
import type { Application } from '../store/types.ts';
import { baseUrl } from './discovery-route.ts';
import { formOf } from './form.ts';
import { applicationOfHint } from './id-token-hint.ts';
import { OAuthError } from './oauth-error.ts';
import { Parameters } from './parameters.ts';
import { redirectUriAllowed } from './redirect-uri.ts';
import { checkTenant } from './token-rules.ts';

/**
 * `GET|POST /oauth2/logout`: ends the SSO session, not the refresh tokens. Goes on to `post_logout_redirect_uri`, to the logout URL
 * of the application or that of the tenant, or to `/`. A request that is refused ends nothing.
 */
export function logoutRoute(context: Context): RequestHandler {
  const { engine } = context;
  return async (request, response) => {
    response.set('Cache-Control', 'no-store');
    let target: URL;
    try {
      target = await logoutTarget(context, request);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      response.status(error.status).json(error);
      return;
    }
    const ctx = engine.createContext(request, response);
    const session = await engine.Session.get(ctx);
    await session.destroy();
    response.clearCookie(engine.cookieName('session'), { path: '/' });
    response.clearCookie(`${engine.cookieName('session')}.sig`, { path: '/' });
    response.status(302).set({ Location: target.href }).end();
  };
}

/** @throws OAuthError */
async function logoutTarget(context: Context, request: Request): Promise<URL> {
  const { store } = context;
  const parameters = new Parameters(
    request.method === 'POST'
      ? formOf(request)
      : new URL(request.originalUrl, 'http://localhost').searchParams,
  );
  checkTenant(store, parameters);
  const application = await applicationOf(context, parameters);
  const asked = parameters.get('post_logout_redirect_uri');
  if (asked !== undefined && (application === undefined || !redirectUriAllowed(application, asked))) {
    throw new OAuthError(
      'invalid_request',
      'invalid_post_logout_redirect_uri',
      `Invalid post_logout_redirect_uri [${asked}]`,
    );
  }
  const known = application?.oauthConfiguration.logoutURL ?? textOf(store.tenant.extra['logoutURL']);
  const target = new URL(asked ?? known ?? '/', baseUrl(request));
  const state = parameters.get('state');
  if (state !== undefined) target.searchParams.set('state', state);
  return target;
}

/** By `client_id`, else by `id_token_hint`; neither is needed. @throws OAuthError */
async function applicationOf(context: Context, parameters: Parameters): Promise<Application | undefined> {
  const clientId = parameters.get('client_id');
  const hint = parameters.get('id_token_hint');
  if (clientId === undefined) return hint === undefined ? undefined : applicationOfHint(context, hint);
  const application = activeApplication(context.store, clientId);
  if (application !== undefined) return application;
  throw new OAuthError('invalid_client', 'invalid_client_id', `Invalid client identifier [${clientId}]`);
}
