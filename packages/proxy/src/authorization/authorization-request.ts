import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomPKCECodeVerifier,
  randomState,
  type Configuration,
} from 'openid-client';
import type { Challenge, Discovery, RegisteredClient } from './types.ts';

/** An authorization request, and what must be remembered until its response comes. */
export interface AuthorizationRequest {
  /** Where the browser goes. */
  readonly url: URL;
  readonly redirectUri: URL;
  readonly state: string;
  readonly codeVerifier: string;
  readonly resource: string;
  /** Space-separated; absent when none was asked for. */
  readonly scope: string | undefined;
}

/** Makes an authorization request with PKCE (RFC 7636, S256), state and resource (RFC 8707). */
export async function createAuthorizationRequest(
  oauthClient: Configuration,
  facts: { discovery: Discovery; client: RegisteredClient; challenge: Challenge; redirectUri: URL },
): Promise<AuthorizationRequest> {
  const codeVerifier = randomPKCECodeVerifier();
  const state = randomState();
  const scope = scopeToRequest(facts.discovery, facts.client, facts.challenge);
  const url = buildAuthorizationUrl(oauthClient, {
    response_type: 'code',
    redirect_uri: facts.redirectUri.href,
    state,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    resource: facts.discovery.resource,
    ...(scope === undefined ? {} : { scope }),
  });
  return {
    url,
    redirectUri: facts.redirectUri,
    state,
    codeVerifier,
    resource: facts.discovery.resource,
    scope,
  };
}

/**
 * The scope to ask for: what the client was registered with, exactly; else what the challenge names, else all that the
 * resource supports (MCP, scope selection), with offline_access when the authorization server offers it, since without
 * it there is no refresh token.
 */
export function scopeToRequest(
  { scopesSupported, authorizationServer }: Discovery,
  client: RegisteredClient,
  challenge: Challenge,
): string | undefined {
  if (client.scope !== undefined) return client.scope;
  const scopes = challenge.scope?.split(' ').filter((scope) => scope !== '') ?? scopesSupported;
  if (scopes === undefined || scopes.length === 0) return undefined;
  const offline =
    authorizationServer.scopes_supported?.includes('offline_access') === true ? ['offline_access'] : [];
  return [...new Set([...scopes, ...offline])].join(' ');
}
