import type { JWTPayload } from 'jose';
import { isObject } from '../../json.ts';
import type { Authorization } from '../../store/types.ts';
import { OAuthError } from '../oauth-error.ts';

/**
 * What was bound to a key, an authorization request's code (RFC 9449 section 10) or a refresh token (section 5), is of
 * use only with a proof by that key.
 *
 * @throws OAuthError `invalid_grant`
 */
export function checkKeyBinding(authorization: Authorization | undefined, jkt: string | undefined): void {
  const bound = authorization?.jkt;
  if (bound === undefined || bound === jkt) return;
  throw new OAuthError(
    'invalid_grant',
    'unknown',
    jkt === undefined
      ? 'The grant is bound to a key, and the DPoP proof is missing.'
      : 'The DPoP proof is by another key than the grant is bound to.',
  );
}

/** How an access token came: by which scheme, and whose key a proof beside it proves. */
export interface Presentation {
  readonly scheme: 'Bearer' | 'DPoP';
  readonly jkt: string | undefined;
}

/** RFC 9449 sections 7.1 and 7.2: a bound token is of use only with its key, and an unbound one is no DPoP token. */
export function isPresentedRightly(claims: JWTPayload, { scheme, jkt }: Presentation): boolean {
  return boundKey(claims) === jkt && (scheme === 'Bearer' || jkt !== undefined);
}

/** The key that an access token is bound to: its `cnf.jkt` (RFC 9449 section 6.1). */
export function boundKey(claims: JWTPayload | undefined): string | undefined {
  const confirmation = claims?.['cnf'];
  const jkt = isObject(confirmation) ? confirmation['jkt'] : undefined;
  return typeof jkt === 'string' ? jkt : undefined;
}
