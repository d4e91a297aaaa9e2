import { decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import type { Context } from '../context.ts';
import { activeApplication, type Store } from '../store/store.ts';
import type { Application } from '../store/types.ts';
import { OAuthError } from './oauth-error.ts';
import { clientOf, verifyToken } from './tokens.ts';

/** A time before every expiry: a hint may have expired (OpenID Connect RP-Initiated Logout section 2). */
const beforeAll = new Date(0);

/** The application that an id_token was issued to. @throws OAuthError `invalid_id_token_hint` */
export async function applicationOfHint(context: Context, hint: string): Promise<Application> {
  const claims =
    (await verifyToken(context, hint, beforeAll)) ?? (await signedWithSecret(context.store, hint));
  const application = claims === undefined ? undefined : activeApplication(context.store, clientOf(claims));
  if (application !== undefined) return application;
  throw new OAuthError('invalid_request', 'invalid_id_token_hint', 'The id_token_hint is not valid.');
}

/** Under HS256 an id_token is signed with the secret of its client. */
async function signedWithSecret(store: Store, token: string): Promise<JWTPayload | undefined> {
  try {
    const secret = activeApplication(store, clientOf(decodeJwt(token)))?.oauthConfiguration.clientSecret;
    if (secret === undefined) return undefined;
    const key = new TextEncoder().encode(secret);
    return (await jwtVerify(token, key, { algorithms: ['HS256'], currentDate: beforeAll })).payload;
  } catch {
    // Whatever is wrong with it, the answer is the same: not valid.
    return undefined;
  }
}
