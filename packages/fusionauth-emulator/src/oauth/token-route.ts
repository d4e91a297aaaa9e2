import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { offerNonce } from './dpop/nonces.ts';
import { EngineRequest } from './engine-request.ts';
import { formOf } from './form.ts';
import { OAuthError } from './oauth-error.ts';
import { Parameters } from './parameters.ts';
import { checkTokenRequest } from './token-request.ts';
import type { EngineTokenRequest } from './token-rules.ts';

/** `POST /oauth2/token`: FusionAuth's rules first, then the engine; the answer is made by `token-response.ts`. */
export function tokenRoute(context: Context): RequestHandler {
  return async (request, response) => {
    // RFC 6749 section 5.1
    response.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
    offerNonce(context.store, response);
    let checked: EngineTokenRequest;
    try {
      if (request.is('application/x-www-form-urlencoded') === false) {
        throw new OAuthError('invalid_request', 'unknown', 'The request body has to be a form.');
      }
      checked = await checkTokenRequest(context, request, new Parameters(formOf(request)));
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      if (error.status === 401 && request.get('authorization') !== undefined) {
        response.set('WWW-Authenticate', 'Basic realm="FusionAuth"');
      }
      response.status(error.status).json(error);
      return;
    }
    await context.runEngine(
      new EngineRequest({ method: 'POST', url: '/oauth2/token', headers: request.headers, ...checked }),
      response,
    );
  };
}
