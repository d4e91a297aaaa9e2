import type { Redis } from 'ioredis';
import { SharedStateUnavailable, type SingleUse } from './shared-state.ts';
import { MemorySingleUse } from './single-use.ts';

/** The uses that all nodes know of; while Redis does not answer, those of this node. */
export function createRedisSingleUse(redis: Redis): SingleUse {
  const here = new MemorySingleUse();
  return {
    take: async (id, lifetime) => {
      // Here as well, for the time without Redis; that there is no room left counts only then.
      const own = await here.take(id, lifetime).catch((error: unknown) => {
        if (error instanceof SharedStateUnavailable) return error;
        throw error;
      });
      if (own === false) return false;
      try {
        const answer = await redis.set(`mcp-keyhole:used:${id}`, '1', 'PX', Math.ceil(lifetime), 'NX');
        return answer === 'OK';
      } catch {
        // That Redis does not answer is told where its connection is watched.
        if (own !== true) throw own;
        return true;
      }
    },
  };
}
