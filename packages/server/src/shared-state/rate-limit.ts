import { RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Allowance, RateLimit } from './shared-state.ts';

export const secondsPerMinute = 60;

/** A limit of `rate-limiter-flexible`, which rejects with its result when there is nothing left. */
export function rateLimitOf(limiter: RateLimiterAbstract): RateLimit {
  return {
    take: (key) => limiter.consume(key).then(allowed, refused),
  };
}

function allowed({ msBeforeNext }: RateLimiterRes): Allowance {
  return { allowed: true, resetAfter: msBeforeNext };
}

function refused(thrown: unknown): Allowance {
  if (thrown instanceof RateLimiterRes) return { allowed: false, resetAfter: thrown.msBeforeNext };
  throw thrown;
}
