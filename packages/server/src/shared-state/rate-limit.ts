import { RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { RateLimit } from './shared-state.ts';

export const secondsPerMinute = 60;

/** A limit of `rate-limiter-flexible`, which rejects with its result when there is nothing left. */
export function rateLimitOf(limiter: RateLimiterAbstract): RateLimit {
  return {
    take: async (key) => {
      try {
        const { msBeforeNext } = await limiter.consume(key);
        return { allowed: true, resetAfter: msBeforeNext };
      } catch (thrown) {
        if (thrown instanceof RateLimiterRes) return { allowed: false, resetAfter: thrown.msBeforeNext };
        throw thrown;
      }
    },
  };
}
