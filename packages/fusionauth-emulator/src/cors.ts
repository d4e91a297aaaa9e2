import type { RequestHandler } from 'express';
import type { Store } from './store/store.ts';

/**
 * CORS as the system configuration has it: off, as FusionAuth's default is, or for the origins that are listed. A preflight
 * from another origin is refused with 403.
 */
export function cors(store: Store): RequestHandler {
  return (request, response, next) => {
    const { cors: settings } = store;
    const origin = request.get('origin');
    if (!settings.enabled || origin === undefined) {
      next();
      return;
    }
    const isPreflight =
      request.method === 'OPTIONS' && request.get('access-control-request-method') !== undefined;
    const isAllowed = settings.allowedOrigins.some((allowed) => allowed === '*' || allowed === origin);
    response.vary('Origin');
    if (isAllowed) {
      response.set('Access-Control-Allow-Origin', origin);
      if (settings.allowCredentials) response.set('Access-Control-Allow-Credentials', 'true');
      if (settings.exposedHeaders.length > 0)
        response.set('Access-Control-Expose-Headers', settings.exposedHeaders.join(', '));
    }
    if (!isPreflight) {
      next();
      return;
    }
    response.set({
      'Access-Control-Allow-Methods': settings.allowedMethods.join(', '),
      'Access-Control-Allow-Headers': settings.allowedHeaders.join(', '),
      'Access-Control-Max-Age': String(settings.preflightMaxAgeInSeconds),
    });
    response.status(isAllowed ? 200 : 403).end();
  };
}
