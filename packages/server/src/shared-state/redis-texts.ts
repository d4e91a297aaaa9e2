import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { orUnavailable } from './redis-answer.ts';
import type { Texts } from './shared-state.ts';

/** KEYS: the texts, when each was written. ARGV: key, text, most. Redis runs it as a whole, by its own clock. */
const writeScript = `
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], time[1] * 1000000 + time[2], ARGV[1])
while redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[3]) do
  redis.call('HDEL', KEYS[1], redis.call('ZPOPMIN', KEYS[2])[1])
end
return redis.status_reply('OK')
`;

/** Keys are hashed: ids come from elsewhere and may be of any length. */
const fieldOf = (key: string): string => createHash('sha256').update(key).digest('base64url');

/** The texts of several nodes: a hash, and a sorted set by the time of writing. */
export function createRedisTexts(name: string, most: number, redis: Redis): Texts {
  // One hash tag, so that a cluster keeps both keys in one place, where a script may use both.
  const texts = `{mcp-keyhole}:texts:${name}`;
  return {
    read: async (key) => (await orUnavailable(redis.hget(texts, fieldOf(key)))) ?? undefined,
    write: async (key, text) => {
      await orUnavailable(redis.eval(writeScript, 2, texts, `${texts}:written`, fieldOf(key), text, most));
    },
  };
}
