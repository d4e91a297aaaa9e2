import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomPKCECodeVerifier,
  randomState,
  type Configuration,
  type ServerMetadata,
} from 'openid-client';
import { errors } from '../errors.ts';

/** An authorization request, and what must be remembered until its response comes. */
export interface AuthorizationRequest {
  /** Where the browser goes. */
  readonly url: URL;
  readonly redirectUri: URL;
  readonly state: string;
  readonly codeVerifier: string;
  /** Absent when the resource parameter is left out. */
  readonly resource: string | undefined;
  /** Space-separated; absent when none was asked for. */
  readonly scope: string | undefined;
}

/** @throws ProxyError `pkce-unsupported`, `authorization-server-metadata` */
export function requirePkce({
  issuer,
  code_challenge_methods_supported: methods,
  authorization_endpoint: endpoint,
}: ServerMetadata): void {
  if (endpoint === undefined)
    throw errors.authorizationServerMetadata(issuer, 'authorization_endpoint is missing');
  if (methods?.includes('S256') !== true) throw errors.pkceUnsupported(issuer);
}

/**
 * Makes an authorization request with PKCE (RFC 7636, S256), state and resource (RFC 8707).
 *
 * @param facts.extra parameters of the user's own, such as `login_hint`
 * @throws ProxyError `pkce-unsupported`
 */
export async function createAuthorizationRequest(
  oauthClient: Configuration,
  facts: {
    redirectUri: URL;
    resource: string | undefined;
    scope: string | undefined;
    /** The key that the code shall be bound to, by its thumbprint (RFC 9449, section 10). */
    dpopJkt: string | undefined;
    extra: readonly (readonly [name: string, value: string])[];
  },
): Promise<AuthorizationRequest> {
  requirePkce(oauthClient.serverMetadata());
  const { redirectUri, resource, scope, dpopJkt } = facts;
  const codeVerifier = randomPKCECodeVerifier();
  const state = randomState();
  const url = buildAuthorizationUrl(oauthClient, {
    // OpenID Connect Core, section 11: without consent, offline_access is to be ignored.
    ...(scope?.split(' ').includes('offline_access') === true ? { prompt: 'consent' } : {}),
    ...Object.fromEntries(facts.extra),
    client_id: oauthClient.clientMetadata().client_id,
    response_type: 'code',
    redirect_uri: redirectUri.href,
    state,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    ...(resource === undefined ? {} : { resource }),
    ...(scope === undefined ? {} : { scope }),
    ...(dpopJkt === undefined ? {} : { dpop_jkt: dpopJkt }),
  });
  return { url, redirectUri, state, codeVerifier, resource, scope };
}
