import { LRUCache } from 'lru-cache';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { KnownRevocations } from './known-revocations.ts';
import { createMemoryMessages } from './messages.ts';
import { createMemorySessions } from './memory-sessions.ts';
import { rateLimitOf, secondsPerMinute } from './rate-limit.ts';
import type { SharedState } from './shared-state.ts';
import { MemorySingleUse } from './single-use.ts';

/** The state of a server that is one node: it ends with the process. */
export function createMemorySharedState(): SharedState {
  const known = new KnownRevocations();
  const messages = createMemoryMessages();
  return {
    revocations: {
      revoke: (subject, before, until) => {
        known.record(subject, { before, until });
        return Promise.resolve();
      },
      isRevoked: (subject, issuedAt) => known.covers(subject, issuedAt),
      watch: (listener) => known.watch(listener),
    },
    rateLimit: (name, perMinute) =>
      rateLimitOf(new RateLimiterMemory({ keyPrefix: name, points: perMinute, duration: secondsPerMinute })),
    sessions: (limits) => createMemorySessions(limits, messages),
    messages,
    texts: (_name, most) => {
      const texts = new LRUCache<string, string>({ max: most });
      return {
        // Not get(), which would make it the newest.
        read: (key) => Promise.resolve(texts.peek(key)),
        write: (key, text) => {
          texts.set(key, text);
          return Promise.resolve();
        },
      };
    },
    singleUse: new MemorySingleUse(),
    unreadiness: () => undefined,
    close: () => Promise.resolve(),
  };
}
