import { setTimeout as delay } from 'node:timers/promises';
import { cleanLine, messageOf } from '@mcp-keyhole/cli-kit';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { Log } from '../log.ts';
import { KnownRevocations } from './known-revocations.ts';
import { rateLimitOf, secondsPerMinute } from './rate-limit.ts';
import { RedisMessages } from './redis-messages.ts';
import { createRedisSessions } from './redis-sessions.ts';
import { createRedisSingleUse } from './redis-single-use.ts';
import { createRedisTexts } from './redis-texts.ts';
import { RevocationStore } from './revocation-store.ts';
import { SharedStateUnavailable, type SharedState } from './shared-state.ts';

/**
 * Milliseconds between two looks at what other nodes revoked, for what this node was not told: two looks fit into the second
 * that is promised.
 */
const pause = 400;

/** The channel on which a node tells the others that it has revoked something. */
const revocationsChannel = 'revocations';

/** Milliseconds for a command, and for a connection: a Redis that hangs must not hold requests. */
const commandDeadline = 400;
const connectDeadline = 2_000;

/** Milliseconds between two tries to connect, at most. */
const longestRetryPause = 1_000;

/**
 * The state of a server that is several nodes, in Redis or Valkey.
 *
 * Without Redis: no session can be begun or used, no text read or written; rate limits and uses are counted by each node for itself; revocations hold as far as this node knows them, and a
 * node that never knew them lets nobody in. What it learnt meanwhile it tells the others when Redis is back, and so a
 * Redis that forgot everything learns it again.
 */
export async function connectRedisSharedState(url: string, log: Log): Promise<SharedState> {
  // Loaded only here, since most servers are one node.
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    lazyConnect: true,
    // Without Redis an answer is wanted at once, not when it is back.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandDeadline,
    connectTimeout: connectDeadline,
    retryStrategy: (tries) => Math.min(tries * 50, longestRetryPause),
  });
  const store = new RevocationStore(redis);
  const messages = new RedisMessages(redis);
  const known = new KnownRevocations();
  const ending = new AbortController();
  let isComplete = false;
  let isConnected: boolean | undefined;

  /** Says each change once, not each failed try. */
  const say = (now: boolean, error?: unknown): void => {
    if (now === isConnected) return;
    isConnected = now;
    if (now) log.info({}, 'Redis is there: limits and revocations are shared');
    else {
      const detail = cleanLine(messageOf(error));
      log.warn({ detail }, 'Redis does not answer: limits are per node, revocations those known so far');
    }
  };
  // Without a listener an error event would end the process.
  redis.on('error', (error: unknown) => say(false, error));

  async function exchange(): Promise<void> {
    if (await store.exchange(known)) await messages.publish(revocationsChannel, '');
  }

  async function synchronize(): Promise<void> {
    try {
      await exchange();
      isComplete = true;
      say(true);
    } catch (error) {
      say(false, error);
    }
  }

  async function synchronizeAgainAndAgain(): Promise<void> {
    const { signal } = ending;
    try {
      for (;;) {
        await delay(pause, undefined, { signal, ref: false });
        await synchronize();
      }
    } catch {
      // The end of the delay by the signal; synchronize() never throws.
    }
  }

  await redis.connect().catch((error: unknown) => say(false, error));
  await synchronize();
  void synchronizeAgainAndAgain();
  void messages.subscribe(revocationsChannel, onceAtATime(synchronize));

  return {
    revocations: {
      revoke: async (subject, before, until) => {
        known.record(subject, { before, until });
        try {
          await exchange();
        } catch (error) {
          say(false, error);
          throw new SharedStateUnavailable('the revocation holds on this node only, for now', {
            cause: error,
          });
        }
      },
      isRevoked: (subject, issuedAt) => {
        if (!isComplete) throw new SharedStateUnavailable('the revocations have not been read yet');
        return known.covers(subject, issuedAt);
      },
      watch: (listener) => known.watch(listener),
    },
    rateLimit: (name, perMinute) => {
      const limit = { points: perMinute, duration: secondsPerMinute };
      return rateLimitOf(
        new RateLimiterRedis({
          storeClient: redis,
          keyPrefix: `mcp-keyhole:limit:${name}`,
          ...limit,
          // Who is refused is refused without asking Redis again.
          inMemoryBlockOnConsumed: perMinute,
          insuranceLimiter: new RateLimiterMemory({ keyPrefix: name, ...limit }),
        }),
      );
    },
    sessions: (limits) => createRedisSessions(limits, redis, messages),
    messages,
    texts: (name, most) => createRedisTexts(name, most, redis),
    singleUse: createRedisSingleUse(redis),
    unreadiness: () => (isComplete ? undefined : 'the revocations have not been read from Redis yet'),
    close: () => {
      ending.abort();
      messages.close();
      redis.disconnect();
      return Promise.resolve();
    },
  };
}

/** Runs a task when it is called; once more for all calls that come while it runs. @param task never rejects */
function onceAtATime(task: () => Promise<void>): () => void {
  let isRunning = false;
  let isWanted = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    while (isWanted) {
      isWanted = false;
      await task();
    }
    isRunning = false;
  };
  return () => {
    isWanted = true;
    if (!isRunning) void run();
  };
}
