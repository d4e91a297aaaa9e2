import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { identifyClient } from './client-authentication.ts';
import { formOf } from './form.ts';
import { answering } from './oauth-answer.ts';
import { OAuthError } from './oauth-error.ts';
import { Parameters } from './parameters.ts';
import { checkTenant, required } from './token-rules.ts';
import { clientOf, verifyToken } from './tokens.ts';

/**
 * `POST /oauth2/introspect` (RFC 7662): the claims of an access token beside `active`, and `{"active":false}` for one that
 * is not valid. Unlike in RFC 7662 section 2.2, another client's token is answered with 401, as FusionAuth documents.
 *
 * A secret that is sent must be right, and none is needed: FusionAuth's table of when it is required does not name this
 * endpoint, and its client has no parameter for one.
 */
export function introspectRoute(context: Context): RequestHandler {
  return answering(async (request) => {
    const parameters = new Parameters(formOf(request));
    checkTenant(context.store, parameters);
    const { application } = identifyClient(context.store, request.get('authorization'), parameters);
    const claims = await verifyToken(context, required(parameters, 'token', 'missing_token'));
    if (claims === undefined) return { active: false };
    if (clientOf(claims) !== application.id) {
      throw new OAuthError(
        'invalid_client',
        'client_id_mismatch',
        'The token was not issued for this client.',
        401,
      );
    }
    return { active: true, ...claims };
  });
}
