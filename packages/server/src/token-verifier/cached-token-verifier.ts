import { hash as hashOf } from 'node:crypto';
import type { AuthInfo, OAuthTokenVerifier } from '@modelcontextprotocol/server';
import { LRUCache } from 'lru-cache';
import { noteValidation } from '../observation/request-context.ts';
import { TokenRefused } from './refusal.ts';

/** A verifier that remembers. */
export interface CachedTokenVerifier extends OAuthTokenVerifier {
  /** Has every token verified anew. */
  forget(): void;
}

/** Tokens that are remembered, good ones and refused ones apart, so that made-up ones displace no good one. */
const knownTokens = 10_000;
const refusedTokens = 2_000;

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
  const good = new LRUCache<string, AuthInfo>({ max: knownTokens });
  const refused = new LRUCache<string, TokenRefused>({ max: refusedTokens, ttl: refusalLifetime });
  const underWay = new Map<string, Promise<AuthInfo>>();
  let generation = 0;

  async function verify(token: string, hash: string): Promise<AuthInfo> {
    const begun = generation;
    try {
      const authInfo = await verifier.verifyAccessToken(token);
      const ttl = Math.min(millisecondsLeft(authInfo), lifetime);
      if (begun === generation && ttl > 0) good.set(hash, authInfo, { ttl });
      return authInfo;
    } catch (error) {
      if (begun === generation && error instanceof TokenRefused && error.isFinal) refused.set(hash, error);
      throw error;
    }
  }

  return {
    verifyAccessToken: async (token) => {
      const hash = hashOf('sha256', token, 'base64');
      const known = good.get(hash);
      if (known !== undefined && millisecondsLeft(known) > 0) {
        noteValidation({ cache: 'hit' });
        return { ...known };
      }
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

/** By the wall clock, which is what tokens go by; the cache's own clock stands still in a machine that sleeps. */
function millisecondsLeft({ expiresAt = 0 }: AuthInfo): number {
  return Math.floor(expiresAt * 1_000 - Date.now());
}
