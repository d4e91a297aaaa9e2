import type { OAuthTokenVerifier } from '@modelcontextprotocol/server';
import type { FusionAuth } from '../fusionauth.ts';
import { noteValidation } from '../observation/request-context.ts';
import { authInfoOf, type Expectation } from './claims.ts';
import { TokenRefused } from './refusal.ts';
import { readUnverified } from './unverified-token.ts';

/**
 * Verifies access tokens through FusionAuth's JWT validation API (signature, expiry), and checks form, issuer and audience.
 * Not through introspection: FusionAuth answers that with 401 for another application's token.
 *
 * `verifyAccessToken` rejects with {@link TokenRefused}.
 */
export function createFusionAuthTokenVerifier(
  fusionAuth: FusionAuth,
  expectation: Expectation,
): OAuthTokenVerifier {
  return {
    async verifyAccessToken(token) {
      noteValidation({ verifier: 'api' });
      readUnverified(token, expectation);
      const answer = await fusionAuth.validateToken(token);
      if (answer.ok) return authInfoOf(token, answer.value, expectation);
      if (answer.status === 401 || answer.status === 400) {
        throw new TokenRefused({ reason: 'invalid-or-expired', status: answer.status });
      }
      throw new TokenRefused({ reason: 'fusionauth-unavailable', detail: answer.detail });
    },
  };
}
