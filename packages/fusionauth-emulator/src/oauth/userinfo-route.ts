import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { activeApplication } from '../store/store.ts';
import { displayName } from '../store/display-name.ts';
import type { User } from '../store/types.ts';
import { bearerToken } from './bearer.ts';
import { formOf } from './form.ts';
import { OAuthError } from './oauth-error.ts';
import { splitScope } from './parameters.ts';
import { verifyToken } from './tokens.ts';

/** `GET|POST /oauth2/userinfo`: the claims that the access token's scopes allow. */
export function userinfoRoute(context: Context): RequestHandler {
  return async (request, response) => {
    response.set('Cache-Control', 'no-store');
    try {
      const token = bearerToken(request) ?? formOf(request).get('access_token') ?? undefined;
      response.json(await userinfo(context, token));
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      response
        .status(error.status)
        .set('WWW-Authenticate', `Bearer error="${error.error}", error_description="${error.message}"`)
        .json(error);
    }
  };
}

async function userinfo(context: Context, token: string | undefined): Promise<Record<string, unknown>> {
  if (token === undefined) {
    throw new OAuthError('invalid_token', 'access_token_required', 'The access token is missing.', 401);
  }
  const { store } = context;
  const claims = await verifyToken(context, token);
  const client = Array.isArray(claims?.aud) ? claims.aud[0] : claims?.aud;
  const user = store.users.get(claims?.sub ?? '');
  const scopes = splitScope(typeof claims?.['scope'] === 'string' ? claims['scope'] : undefined);
  if (
    claims === undefined ||
    user?.active !== true ||
    activeApplication(store, client) === undefined ||
    !scopes.includes('openid')
  ) {
    throw new OAuthError('invalid_token', 'access_token_invalid', 'The access token is not valid.', 401);
  }
  return {
    sub: user.id,
    ...(scopes.includes('profile') ? profileClaims(user) : {}),
    ...(scopes.includes('email') ? { email: user.email, email_verified: user.verified } : {}),
    ...(scopes.includes('phone') ? { phone_number: user.mobilePhone } : {}),
  };
}

function profileClaims(user: User): Record<string, unknown> {
  return {
    given_name: user.firstName,
    family_name: user.lastName,
    middle_name: user.middleName,
    name: displayName(user),
    preferred_username: user.username,
    birthdate: user.birthDate,
    picture: user.imageUrl,
    locale: user.preferredLanguages[0],
    zoneinfo: user.timezone,
  };
}
