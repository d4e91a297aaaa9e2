import { messageOf } from '@mcp-keyhole/cli-kit';
import {
  ResponseBodyError,
  WWWAuthenticateChallengeError,
  type AuthorizationResponseError,
  type TokenEndpointResponse,
} from 'openid-client';
import { errors, ProxyError, type OAuthErrorDetails } from '../errors.ts';
import type { TokenSet } from '../token-store/token-store.ts';

/** RFC 8707. */
export function resourceParameter(resource: string | undefined): Record<string, string> {
  return resource === undefined ? {} : { resource };
}

/** The token set that an answer makes of what was known. */
export function toTokenSet(
  answer: TokenEndpointResponse,
  known: Omit<TokenSet, 'accessToken'>,
  now: number,
): TokenSet {
  const refreshTokenId = answer['refresh_token_id'];
  return {
    ...known,
    accessToken: answer.access_token,
    tokenType: answer.token_type === 'dpop' ? 'DPoP' : undefined,
    idToken: answer.id_token ?? known.idToken,
    refreshToken: answer.refresh_token ?? known.refreshToken,
    refreshTokenId: typeof refreshTokenId === 'string' ? refreshTokenId : known.refreshTokenId,
    expiresAt: answer.expires_in === undefined ? undefined : now + answer.expires_in * 1_000,
    // RFC 6749, section 5.1: left out when it is what was asked for.
    scope: answer.scope ?? known.scope ?? known.requestedScope,
  };
}

/**
 * invalid_grant says so plainly. FusionAuth also answers invalid_request with a reason such as
 * refresh_token_not_found.
 */
export function isGrantGone(error: unknown): boolean {
  if (!(error instanceof ResponseBodyError) || error.status >= 500) return false;
  if (error.error === 'invalid_grant') return true;
  return (
    error.error === 'invalid_request' &&
    /(?:not_found|expired|revoked|invalid)$/u.test(detailsOf(error).reason ?? '')
  );
}

/** The error that a user may read of a token request that failed. */
export function explain(error: unknown, issuer: string): ProxyError {
  if (error instanceof ProxyError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof ProxyError) return cause;
  if (error instanceof ResponseBodyError) {
    return error.status >= 500 || error.status === 429
      ? errors.tokenEndpointUnavailable(issuer, `HTTP ${error.status}`, error)
      : errors.tokenRequestFailed(issuer, detailsOf(error), error);
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    return errors.tokenRequestFailed(issuer, { error: 'invalid_client' }, error);
  }
  // An answer that is no OAuth error at all: a proxy's error page, or a server that is starting.
  if (cause instanceof Response)
    return errors.tokenEndpointUnavailable(issuer, `HTTP ${cause.status}`, error);
  if (isNetworkFailure(error)) return errors.tokenEndpointUnavailable(issuer, networkReason(error), error);
  // The library's own message is "invalid response encountered"; what was wrong with it stands in the cause.
  return errors.signInInvalid(issuer, messageOf(cause instanceof Error ? cause : error), error);
}

function isNetworkFailure(error: unknown): boolean {
  const names = ['TimeoutError', 'AbortError'];
  const chain = [error, error instanceof Error ? error.cause : undefined];
  return chain.some(
    (link) =>
      link instanceof Error &&
      (names.includes(link.name) ||
        (link instanceof TypeError && link.message === 'fetch failed') ||
        'errno' in link),
  );
}

function networkReason(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return messageOf(reason);
}

/** What an error answer says. */
export function detailsOf(error: ResponseBodyError | AuthorizationResponseError): OAuthErrorDetails {
  const { cause } = error;
  const reason =
    cause instanceof URLSearchParams ? (cause.get('error_reason') ?? undefined) : cause['error_reason'];
  return {
    error: error.error,
    description: error.error_description,
    reason: typeof reason === 'string' ? reason : undefined,
  };
}
