import type { Request, RequestHandler } from 'express';
import { OAuthError } from './oauth-error.ts';

/**
 * A route that answers what `handle` gives: a JSON body, or with undefined an empty 200. An {@link OAuthError} becomes its status
 * and body.
 */
export function answering(
  handle: (request: Request) => object | undefined | Promise<object | undefined>,
): RequestHandler {
  return async (request, response) => {
    response.set('Cache-Control', 'no-store');
    try {
      const body = await handle(request);
      if (body === undefined) response.end();
      else response.json(body);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      response.status(error.status).json(error);
    }
  };
}
