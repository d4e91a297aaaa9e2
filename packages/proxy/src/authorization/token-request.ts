import { messageOf } from '@mcp-keyhole/cli-kit';
import {
  authorizationCodeGrant,
  AuthorizationResponseError,
  clientCredentialsGrant,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  refreshTokenGrant,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
  type Configuration,
  type DeviceAuthorizationResponse,
  type TokenEndpointResponse,
} from 'openid-client';
import { errors, ProxyError, type OAuthErrorDetails } from '../errors.ts';
import type { TokenSet } from '../token-store/token-store.ts';

/** Redeems an authorization response: checks state and iss (RFC 9207), then exchanges the code with its verifier. */
export async function exchangeCode(
  oauthClient: Configuration,
  facts: {
    server: URL;
    responseUrl: URL;
    state: string;
    codeVerifier: string;
    resource: string | undefined;
    scope: string | undefined;
    now: () => number;
  },
): Promise<TokenSet> {
  const { issuer } = oauthClient.serverMetadata();
  try {
    const answer = await authorizationCodeGrant(
      oauthClient,
      facts.responseUrl,
      { pkceCodeVerifier: facts.codeVerifier, expectedState: facts.state },
      // FusionAuth burns the code when the resource is not repeated here.
      resourceParameter(facts.resource),
    );
    return toTokenSet(answer, { issuer, resource: facts.resource, requestedScope: facts.scope }, facts.now());
  } catch (error) {
    if (error instanceof AuthorizationResponseError)
      throw errors.signInRefused(facts.server, detailsOf(error));
    throw explain(error, issuer);
  }
}

/**
 * Refreshes a token set. The new set keeps what the answer leaves out (FusionAuth sends neither refresh token nor scope
 * under its default policy).
 *
 * @returns undefined when the grant is gone, so that only a new sign-in helps
 * @throws ProxyError `token-endpoint-unavailable` when it may work later, `token-request-failed` when the client is not
 *   allowed to refresh
 */
export async function refresh(
  oauthClient: Configuration,
  tokens: TokenSet,
  now: () => number,
): Promise<TokenSet | undefined> {
  if (tokens.refreshToken === undefined) return undefined;
  try {
    const answer = await refreshTokenGrant(
      oauthClient,
      tokens.refreshToken,
      resourceParameter(tokens.resource),
    );
    return toTokenSet(answer, tokens, now());
  } catch (error) {
    const failure = explain(error, tokens.issuer);
    if (isGrantGone(error)) return undefined;
    throw failure;
  }
}

/** The device grant (RFC 8628): `present` shows where to enter the code; then waits until that was done. */
export async function requestByDevice(
  oauthClient: Configuration,
  facts: {
    server: URL;
    resource: string | undefined;
    scope: string | undefined;
    present: (device: DeviceAuthorizationResponse) => Promise<void>;
    now: () => number;
    signal: AbortSignal;
  },
): Promise<TokenSet> {
  const { issuer } = oauthClient.serverMetadata();
  const parameters = {
    ...resourceParameter(facts.resource),
    ...(facts.scope === undefined ? {} : { scope: facts.scope }),
  };
  try {
    const device = await initiateDeviceAuthorization(oauthClient, parameters);
    await facts.present(device);
    const answer = await pollDeviceAuthorizationGrant(
      oauthClient,
      device,
      resourceParameter(facts.resource),
      {
        signal: facts.signal,
      },
    );
    return toTokenSet(answer, { issuer, resource: facts.resource, requestedScope: facts.scope }, facts.now());
  } catch (error) {
    facts.signal.throwIfAborted();
    if (error instanceof ResponseBodyError && ['access_denied', 'expired_token'].includes(error.error)) {
      throw errors.signInRefused(facts.server, detailsOf(error));
    }
    throw explain(error, issuer);
  }
}

/** The client credentials grant (RFC 6749, section 4.4): the client acts for itself, nobody signs in. */
export async function requestByClientCredentials(
  oauthClient: Configuration,
  facts: { resource: string | undefined; scope: string | undefined; now: () => number },
): Promise<TokenSet> {
  const { issuer } = oauthClient.serverMetadata();
  try {
    const answer = await clientCredentialsGrant(oauthClient, {
      ...resourceParameter(facts.resource),
      ...(facts.scope === undefined ? {} : { scope: facts.scope }),
    });
    return toTokenSet(answer, { issuer, resource: facts.resource, requestedScope: facts.scope }, facts.now());
  } catch (error) {
    throw explain(error, issuer);
  }
}

function resourceParameter(resource: string | undefined): Record<string, string> {
  return resource === undefined ? {} : { resource };
}

function toTokenSet(
  answer: TokenEndpointResponse,
  known: Omit<TokenSet, 'accessToken'>,
  now: number,
): TokenSet {
  const refreshTokenId = answer['refresh_token_id'];
  return {
    ...known,
    accessToken: answer.access_token,
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
function isGrantGone(error: unknown): boolean {
  if (!(error instanceof ResponseBodyError) || error.status >= 500) return false;
  if (error.error === 'invalid_grant') return true;
  return (
    error.error === 'invalid_request' &&
    /(?:not_found|expired|revoked|invalid)$/u.test(detailsOf(error).reason ?? '')
  );
}

function explain(error: unknown, issuer: string): ProxyError {
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

function detailsOf(error: ResponseBodyError | AuthorizationResponseError): OAuthErrorDetails {
  const { cause } = error;
  const reason =
    cause instanceof URLSearchParams ? (cause.get('error_reason') ?? undefined) : cause['error_reason'];
  return {
    error: error.error,
    description: error.error_description,
    reason: typeof reason === 'string' ? reason : undefined,
  };
}
