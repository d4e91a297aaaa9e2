import type { OAuthTokenVerifier } from '@modelcontextprotocol/server';
import type { FusionAuth } from '../fusionauth.ts';
import { createAutomaticTokenVerifier } from './automatic-token-verifier.ts';
import { cachedVerifier, type RememberingVerifier } from './cached-token-verifier.ts';
import type { Expectation } from './claims.ts';
import { createFusionAuthTokenVerifier } from './fusionauth-token-verifier.ts';
import { createLocalTokenVerifier } from './local-token-verifier.ts';
import { PublishedKeys } from './published-keys.ts';

/** Who verifies signatures: this server with the published keys, FusionAuth, or whoever can. */
export const validations = ['auto', 'jwks', 'api'] as const;
/** Who verifies a token: `jwks` this server, with the published keys; `api` FusionAuth; `auto` whoever can. */
export type Validation = (typeof validations)[number];

/** A verifier that can be told that FusionAuth's keys have changed. */
export interface TokenVerifier extends Required<RememberingVerifier> {
  /** Has the keys read and every token verified anew. */
  keysChanged(): void;
}

export function isTokenVerifier(verifier: OAuthTokenVerifier): verifier is TokenVerifier {
  return 'keysChanged' in verifier && typeof verifier.keysChanged === 'function';
}

/**
 * The verifier of a configuration, with its cache. `verifyAccessToken` rejects with `TokenRefused`.
 *
 * @param lifetime milliseconds for which a good token is not verified again at most; by default until it expires
 */
export function createTokenVerifier(
  validation: Validation,
  fusionAuth: FusionAuth,
  expectation: Expectation,
  lifetime = Number.POSITIVE_INFINITY,
): TokenVerifier {
  const keys = new PublishedKeys(fusionAuth);
  const cached = cachedVerifier(verifierFor(validation, fusionAuth, keys, expectation), lifetime);
  return {
    known: (token) => cached.known(token),
    verifyAccessToken: (token) => cached.verifyAccessToken(token),
    keysChanged: () => {
      keys.forget();
      cached.forget();
    },
  };
}

function verifierFor(
  validation: Validation,
  fusionAuth: FusionAuth,
  keys: PublishedKeys,
  expectation: Expectation,
): OAuthTokenVerifier {
  switch (validation) {
    case 'auto':
      return createAutomaticTokenVerifier(fusionAuth, keys, expectation);
    case 'jwks':
      return createLocalTokenVerifier(keys, expectation);
    case 'api':
      return createFusionAuthTokenVerifier(fusionAuth, expectation);
  }
}
