import { messageOf } from '@mcp-keyhole/cli-kit';
import {
  fetchProtectedResource,
  ResponseBodyError,
  tokenRevocation,
  WWWAuthenticateChallengeError,
  type Configuration,
  type DPoPOptions,
} from 'openid-client';
import type { TokenSet } from '../token-store/token-store.ts';
import type { BoundedFetch } from './types.ts';

/** What came of ending something at the authorization server. */
export type Outcome =
  | { readonly done: true; readonly how: string }
  | {
      readonly done: false;
      readonly why: string;
      /** The access token that was to do it is not good any more. */
      readonly tokenIsOld?: true;
    };

/**
 * Ends the grant at the authorization server: by RFC 7009 where it has an endpoint for that, else in FusionAuth's way,
 * where the owner's access token may delete a refresh token. RFC 7009 asks for no proof of the key that a token is bound to.
 *
 * @param proofs of that key, if there is one
 */
export async function revoke(
  oauthClient: Configuration,
  tokens: TokenSet,
  proofs: DPoPOptions,
): Promise<Outcome> {
  const metadata = oauthClient.serverMetadata();
  try {
    if (metadata.revocation_endpoint !== undefined) {
      return await revokeByRfc7009(oauthClient, tokens);
    }
    if (tokens.refreshTokenId === undefined) {
      return { done: false, why: 'the authorization server has no way to revoke tokens' };
    }
    const url = new URL(`/api/jwt/refresh/${encodeURIComponent(tokens.refreshTokenId)}`, metadata.issuer);
    const status = await deleteAtFusionAuth(oauthClient, tokens.accessToken, url, proofs);
    if (status >= 200 && status < 300)
      return { done: true, how: 'refresh token revoked at FusionAuth; the access token lasts until it ends' };
    const why = `FusionAuth answered with HTTP ${status}`;
    return status === 401 ? { done: false, why, tokenIsOld: true } : { done: false, why };
  } catch (error) {
    return { done: false, why: reasonOf(error) };
  }
}

/**
 * A token that is bound to a key comes with a proof of that (RFC 9449, section 7). FusionAuth documents only bearer tokens for
 * this call: one that knows no others is asked so, and the token goes to nobody but who has issued it.
 *
 * @returns the HTTP status
 */
async function deleteAtFusionAuth(
  oauthClient: Configuration,
  accessToken: string,
  url: URL,
  proofs: DPoPOptions,
): Promise<number> {
  const send = async (options: DPoPOptions): Promise<number> => {
    try {
      const { status, body } = await fetchProtectedResource(
        oauthClient,
        accessToken,
        url,
        'DELETE',
        undefined,
        undefined,
        options,
      );
      await body?.cancel();
      return status;
    } catch (error) {
      if (error instanceof WWWAuthenticateChallengeError) return error.status;
      throw error;
    }
  };
  const status = await send(proofs);
  return status === 401 && proofs.DPoP !== undefined ? send({}) : status;
}

async function revokeByRfc7009(oauthClient: Configuration, tokens: TokenSet): Promise<Outcome> {
  if (tokens.refreshToken !== undefined) {
    await tokenRevocation(oauthClient, tokens.refreshToken, { token_type_hint: 'refresh_token' });
  }
  try {
    await tokenRevocation(oauthClient, tokens.accessToken, { token_type_hint: 'access_token' });
  } catch (error) {
    // RFC 7009, section 2.2.1: a server need not revoke access tokens; then they last until they end.
    const unsupported = error instanceof ResponseBodyError && error.error === 'unsupported_token_type';
    if (!unsupported || tokens.refreshToken === undefined) throw error;
    return { done: true, how: 'refresh token revoked (RFC 7009); the access token lasts until it ends' };
  }
  return { done: true, how: 'revoked at the authorization server (RFC 7009)' };
}

/** Deletes a dynamic registration (RFC 7592), if the authorization server gave the means. */
export async function deleteRegistration(
  tokens: TokenSet,
  fetch: BoundedFetch,
): Promise<Outcome | undefined> {
  const { clientUri, accessToken } = tokens.client?.registration ?? {};
  if (clientUri === undefined || accessToken === undefined || !URL.canParse(clientUri)) return undefined;
  try {
    const response = await fetch(new URL(clientUri), {
      method: 'DELETE',
      headers: { authorization: `Bearer ${accessToken}` },
    });
    return response.ok
      ? { done: true, how: 'client registration deleted (RFC 7592)' }
      : { done: false, why: `deleting the client registration: HTTP ${response.status}` };
  } catch (error) {
    return { done: false, why: `deleting the client registration: ${messageOf(error)}` };
  }
}

/** The library's own message says only that something was wrong with the answer. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (error instanceof ResponseBodyError)
    return `the authorization server answered ${error.error} (HTTP ${error.status})`;
  return cause instanceof Response
    ? `the authorization server answered HTTP ${cause.status}`
    : messageOf(error);
}
