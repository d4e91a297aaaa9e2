import {
  authorizationCodeGrant,
  AuthorizationResponseError,
  clientCredentialsGrant,
  initiateDeviceAuthorization,
  pollDeviceAuthorizationGrant,
  refreshTokenGrant,
  ResponseBodyError,
  type Configuration,
  type DeviceAuthorizationResponse,
  type DPoPOptions,
} from 'openid-client';
import { errors } from '../errors.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { detailsOf, explain, isGrantGone, resourceParameter, toTokenSet } from './token-response.ts';

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
    proofs: DPoPOptions;
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
      facts.proofs,
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
  facts: { proofs: DPoPOptions; now: () => number },
): Promise<TokenSet | undefined> {
  if (tokens.refreshToken === undefined) return undefined;
  try {
    const answer = await refreshTokenGrant(
      oauthClient,
      tokens.refreshToken,
      resourceParameter(tokens.resource),
      facts.proofs,
    );
    return toTokenSet(answer, tokens, facts.now());
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
    proofs: DPoPOptions;
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
      { ...facts.proofs, signal: facts.signal },
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
  facts: {
    resource: string | undefined;
    scope: string | undefined;
    proofs: DPoPOptions;
    now: () => number;
  },
): Promise<TokenSet> {
  const { issuer } = oauthClient.serverMetadata();
  try {
    const parameters = {
      ...resourceParameter(facts.resource),
      ...(facts.scope === undefined ? {} : { scope: facts.scope }),
    };
    const answer = await clientCredentialsGrant(oauthClient, parameters, facts.proofs);
    return toTokenSet(answer, { issuer, resource: facts.resource, requestedScope: facts.scope }, facts.now());
  } catch (error) {
    throw explain(error, issuer);
  }
}
