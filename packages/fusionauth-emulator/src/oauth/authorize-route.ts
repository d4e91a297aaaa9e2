import type { RequestHandler, Response } from 'express';
import type { Context } from '../context.ts';
import { oauthErrorPage } from '../pages/error.ts';
import { formTarget, pageHeaders } from '../pages/layout.ts';
import { sendPage } from '../pages/send.ts';
import { engineRequest, responseTarget, type ResponseTarget } from './authorization-request.ts';
import { deliver, errorResponse } from './authorization-response.ts';
import { EngineRequest } from './engine-request.ts';
import { OAuthError } from './oauth-error.ts';
import { Parameters } from './parameters.ts';

/** `GET /oauth2/authorize`: FusionAuth's rules first, then the engine. */
export function authorizeRoute({ store, runEngine }: Context): RequestHandler {
  return async (request, response) => {
    const query = new URL(request.originalUrl, 'http://localhost').searchParams;
    const parameters = new Parameters(query);
    let target: ResponseTarget;
    try {
      target = responseTarget(store, parameters);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      sendPage(response, oauthErrorPage(error), { status: 400 });
      return;
    }
    let search: URLSearchParams;
    try {
      search = engineRequest(target, parameters);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      answer(response, target, errorResponse(store, error, target.state));
      return;
    }
    // For what the engine answers with a page: its errors, and form_post.
    response.set(pageHeaders(formTarget(target.redirectUri)));
    await runEngine(
      new EngineRequest({
        method: 'GET',
        url: `/oauth2/authorize?${search.toString()}`,
        headers: request.headers,
      }),
      response,
    );
  };
}

/** `GET /oauth2/authorize/{id}`: where login and consent lead back to. */
export function resumeRoute({ engine, runEngine }: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const interaction = await engine.Interaction.find(request.params.id);
    const redirectUri = interaction?.params['redirect_uri'];
    response.set(pageHeaders(typeof redirectUri === 'string' ? formTarget(redirectUri) : []));
    await runEngine(
      new EngineRequest({
        method: 'GET',
        url: `/oauth2/authorize/${encodeURIComponent(request.params.id)}`,
        headers: request.headers,
      }),
      response,
    );
  };
}

function answer(response: Response, target: ResponseTarget, fields: URLSearchParams): void {
  const delivered = deliver(target.redirectUri, target.responseMode, fields);
  if ('page' in delivered) {
    sendPage(response, delivered.page, { formTargets: formTarget(target.redirectUri) });
  } else {
    // Not response.redirect(): it would re-encode the registered URI.
    response.status(302).set({ Location: delivered.location, 'Cache-Control': 'no-store' }).end();
  }
}
