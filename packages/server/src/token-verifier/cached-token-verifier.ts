import { hash as hashOf } from 'node:crypto';
import type { AuthInfo, OAuthTokenVerifier } from '@modelcontextprotocol/server';
import { LRUCache } from 'lru-cache';
import { noteValidation } from '../observation/request-context.ts';
import { TokenRefused } from './refusal.ts';

/** A verifier that may know a token without asking anybody. */
export interface RememberingVerifier extends OAuthTokenVerifier {
  /**
   * What is known of a good token that has not expired, at once: most requests bring one, and waiting for a promise costs them
   * more than the look.
   *
   * @returns undefined when the token must be verified
   * @throws OAuthError when it is known to be refused
   */
  known?(token: string): AuthInfo | undefined;
}

/** A verifier that remembers. */
export interface CachedTokenVerifier extends Required<RememberingVerifier> {
  /** Has every token verified anew. */
  forget(): void;
}

/** Tokens that are remembered, good ones and refused ones apart, so that made-up ones displace no good one. */
const knownTokens = 10_000;
const refusedTokens = 2_000;

/** A good token, and the moment until which it is remembered: milliseconds since the epoch. */
interface Known {
  readonly authInfo: AuthInfo;
  readonly until: number;
}

/** Milliseconds for which a refusal is remembered: short, since a token may be refused for a reason that passes. */
const shortly = 10_000;

/**
 * Remembers results by the token's hash: a good token until it expires, a refused one for a moment; that nobody could tell is
 * not remembered. Requests with the same token wait for one verification.
 *
 * @param lifetime milliseconds for which a good token is remembered at most; by default until it expires
 * @param refusalLifetime milliseconds for which a refused one is; 10,000 by default
 */
export function cachedVerifier(
  verifier: OAuthTokenVerifier,
  lifetime = Number.POSITIVE_INFINITY,
  refusalLifetime = shortly,
): CachedTokenVerifier {
  const good = new LRUCache<string, Known>({ max: knownTokens });
  const refused = new LRUCache<string, TokenRefused>({ max: refusedTokens, ttl: refusalLifetime });
  const underWay = new Map<string, Promise<AuthInfo>>();
  let generation = 0;

  async function verify(token: string, hash: string): Promise<AuthInfo> {
    const begun = generation;
    try {
      const authInfo = await verifier.verifyAccessToken(token);
      // By the wall clock, which is what tokens go by; the cache's own clock stands still in a machine that sleeps.
      const now = Date.now();
      const until = Math.min((authInfo.expiresAt ?? 0) * 1_000, now + lifetime);
      if (begun === generation && until > now) good.set(hash, { authInfo, until });
      return authInfo;
    } catch (error) {
      if (begun === generation && error instanceof TokenRefused && error.isFinal) refused.set(hash, error);
      throw error;
    }
  }

  function find(hash: string): AuthInfo | undefined {
    const known = good.get(hash);
    if (known === undefined || known.until <= Date.now()) return undefined;
    noteValidation({ cache: 'hit' });
    return { ...known.authInfo };
  }

  return {
    known: (token) => find(hashed(token)),
    verifyAccessToken: async (token) => {
      const hash = hashed(token);
      const known = find(hash);
      if (known !== undefined) return known;
      const refusal = refused.get(hash);
      if (refusal !== undefined) {
        noteValidation({ cache: 'hit' });
        throw refusal;
      }
      const others = underWay.get(hash);
      noteValidation({ cache: others === undefined ? 'miss' : 'shared' });
      if (others !== undefined) return { ...(await others) };
      const own = verify(token, hash);
      underWay.set(hash, own);
      try {
        return { ...(await own) };
      } finally {
        // Unless it has been forgotten, and another verification begun.
        if (underWay.get(hash) === own) underWay.delete(hash);
      }
    },
    forget: () => {
      generation += 1;
      good.clear();
      refused.clear();
      underWay.clear();
    },
  };
}

function hashed(token: string): string {
  return hashOf('sha256', token, 'base64');
}
