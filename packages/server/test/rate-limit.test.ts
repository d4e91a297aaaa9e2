import { RateLimiterMemory } from 'rate-limiter-flexible';
import { describe, expect, it } from 'vitest';
import { rateLimitOf } from '../src/shared-state/rate-limit.ts';

describe('a rate limit', () => {
  it('allows its number of uses, then tells when to come again', async () => {
    const limit = rateLimitOf(new RateLimiterMemory({ points: 1, duration: 60 }));
    expect(await limit.take('key')).toMatchObject({ allowed: true });
    const refused = await limit.take('key');
    expect(refused.allowed).toBe(false);
    expect(refused.resetAfter).toBeGreaterThan(50_000);
    expect(refused.resetAfter).toBeLessThanOrEqual(60_000);
  });

  it('does not take a fault of the limiter for a refusal', async () => {
    const broken = new RateLimiterMemory({ points: 1, duration: 60 });
    broken.consume = () => Promise.reject(new TypeError('broken'));
    await expect(rateLimitOf(broken).take('key')).rejects.toThrow('broken');
  });
});
