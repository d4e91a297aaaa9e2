import type { AuthInfo, OAuthTokenVerifier } from '@modelcontextprotocol/server';
import { compactVerify, errors, type CryptoKey } from 'jose';
import { noteValidation } from '../observation/request-context.ts';
import { authInfoOf, type Expectation } from './claims.ts';
import type { PublishedKeys } from './published-keys.ts';
import { TokenRefused } from './refusal.ts';
import { publicKeyAlgorithms, readUnverified } from './unverified-token.ts';

/**
 * Verifies access tokens here, with the keys that FusionAuth publishes (`/.well-known/jwks.json`): FusionAuth is asked only
 * for keys. It works where access tokens are signed with an RSA or EC key; shared secrets are never published.
 *
 * `verifyAccessToken` rejects with {@link TokenRefused}.
 */
export function createLocalTokenVerifier(keys: PublishedKeys, expectation: Expectation): OAuthTokenVerifier {
  return {
    async verifyAccessToken(token) {
      noteValidation({ verifier: 'jwks' });
      const { alg, kid } = readUnverified(token, expectation);
      if (!publicKeyAlgorithms.includes(alg))
        throw new TokenRefused({ reason: 'wrong-algorithm', found: alg });
      const found = await keys.find(kid);
      switch (found.state) {
        case 'published':
          return verifyLocally(token, alg, found.key, expectation);
        case 'unpublished':
          throw new TokenRefused({ reason: 'unknown-key' });
        case 'unknown':
          throw new TokenRefused({ reason: 'keys-unknown', detail: found.detail });
      }
    },
  };
}

/**
 * Verifies a signature with the published key that the token names, by public-key algorithms only: else the public key could
 * be taken for the secret of an HS256 signature (RFC 8725, section 2.1).
 */
export async function verifyLocally(
  token: string,
  alg: string,
  key: (alg: string) => Promise<CryptoKey>,
  expectation: Expectation,
): Promise<AuthInfo> {
  if (!publicKeyAlgorithms.includes(alg)) throw new TokenRefused({ reason: 'wrong-algorithm', found: alg });
  try {
    await compactVerify(token, await key(alg), { algorithms: publicKeyAlgorithms });
  } catch (error) {
    if (error instanceof errors.JOSEError) throw new TokenRefused({ reason: 'wrong-signature' });
    throw error;
  }
  // What was read before is now vouched for: the signature is over the same letters.
  return authInfoOf(token, readUnverified(token, expectation).claims, expectation);
}
