import type { OAuthTokenVerifier } from '@modelcontextprotocol/server';
import type { FusionAuth } from '../fusionauth.ts';
import { noteValidation } from '../observation/request-context.ts';
import type { Expectation } from './claims.ts';
import { createFusionAuthTokenVerifier } from './fusionauth-token-verifier.ts';
import { verifyLocally } from './local-token-verifier.ts';
import type { PublishedKeys } from './published-keys.ts';
import { readUnverified } from './unverified-token.ts';

/**
 * Verifies a token here when the key that it names is published, else through FusionAuth's JWT validation API. A token that
 * names a published key is never sent there, whatever algorithm it claims.
 *
 * `verifyAccessToken` rejects with `TokenRefused`.
 */
export function createAutomaticTokenVerifier(
  fusionAuth: FusionAuth,
  keys: PublishedKeys,
  expectation: Expectation,
): OAuthTokenVerifier {
  const api = createFusionAuthTokenVerifier(fusionAuth, expectation);
  return {
    async verifyAccessToken(token) {
      noteValidation({ verifier: 'jwks' });
      const { alg, kid } = readUnverified(token, expectation);
      const found = await keys.find(kid);
      return found.state === 'published'
        ? verifyLocally(token, alg, found.key, expectation)
        : api.verifyAccessToken(token);
    },
  };
}
