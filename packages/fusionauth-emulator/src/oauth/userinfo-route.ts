import type { RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { activeApplication } from '../store/store.ts';
import { displayName } from '../store/display-name.ts';
import type { User } from '../store/types.ts';
import { bearerToken, dpopToken } from './bearer.ts';
import { baseUrl } from './discovery-route.ts';
import { isPresentedRightly, type Presentation } from './dpop/key-binding.ts';
import { offerNonce } from './dpop/nonces.ts';
import { proofAlgorithms, provenKey, supportsDpop } from './dpop/proof.ts';
import { formOf } from './form.ts';
import { OAuthError } from './oauth-error.ts';
import { splitScope } from './parameters.ts';
import { clientOf, verifyToken } from './tokens.ts';

/** `GET|POST /oauth2/userinfo`: the claims that the access token's scopes allow. */
export function userinfoRoute(context: Context): RequestHandler {
  return async (request, response) => {
    response.set('Cache-Control', 'no-store');
    const dpop = supportsDpop(context.store) ? dpopToken(request) : undefined;
    if (dpop !== undefined) offerNonce(context.store, response);
    try {
      const token = dpop ?? bearerToken(request) ?? formOf(request).get('access_token') ?? undefined;
      const jkt =
        dpop === undefined
          ? undefined
          : await provenKey(context, request, {
              url: `${baseUrl(request)}/oauth2/userinfo`,
              accessToken: dpop,
            });
      response.json(await userinfo(context, token, { scheme: dpop === undefined ? 'Bearer' : 'DPoP', jkt }));
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      const detail = `error="${error.error}", error_description="${error.message}"`;
      // RFC 9449 section 7.1
      const dpopChallenge = `DPoP ${detail}, algs="${proofAlgorithms.join(' ')}"`;
      response
        .status(401)
        .set('WWW-Authenticate', dpop === undefined ? `Bearer ${detail}` : dpopChallenge)
        .json(error);
    }
  };
}

async function userinfo(
  context: Context,
  token: string | undefined,
  presented: Presentation,
): Promise<Record<string, unknown>> {
  if (token === undefined) {
    throw new OAuthError('invalid_token', 'access_token_required', 'The access token is missing.', 401);
  }
  const { store } = context;
  const claims = await verifyToken(context, token);
  const user = store.users.get(claims?.sub ?? '');
  const scopes = splitScope(typeof claims?.['scope'] === 'string' ? claims['scope'] : undefined);
  if (
    claims === undefined ||
    user?.active !== true ||
    activeApplication(store, clientOf(claims)) === undefined ||
    !scopes.includes('openid') ||
    !isPresentedRightly(claims, presented)
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
