import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Listeners, type Messages } from './messages.ts';
import { orUnavailable } from './redis-answer.ts';

/** Milliseconds that a subscription is waited for. */
const subscriptionDeadline = 400;

const prefix = 'mcp-keyhole:message:';

/** The messages of several nodes, over a connection of their own: one that listens can do nothing else. */
export class RedisMessages implements Messages {
  readonly #redis: Redis;
  readonly #listeners = new Listeners();
  #listening: Redis | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async publish(channel: string, text: string): Promise<number> {
    return orUnavailable(this.#redis.publish(`${prefix}${channel}`, text));
  }

  async listeners(channel: string): Promise<number> {
    const [, count] = await orUnavailable(this.#redis.pubsub('NUMSUB', `${prefix}${channel}`));
    return Number(count);
  }

  async subscribe(channel: string, listener: (text: string) => void): Promise<() => void> {
    if (this.#listeners.add(channel, listener)) {
      // Kept by the client until there is a connection, and done again with each new one.
      const done = this.#connection().subscribe(`${prefix}${channel}`);
      await Promise.race([
        done.catch(() => undefined),
        delay(subscriptionDeadline, undefined, { ref: false }),
      ]);
    }
    return () => {
      if (!this.#listeners.remove(channel, listener)) return;
      void this.#listening?.unsubscribe(`${prefix}${channel}`).catch(() => undefined);
    };
  }

  close(): void {
    this.#listening?.disconnect();
  }

  #connection(): Redis {
    if (this.#listening !== undefined) return this.#listening;
    const listening = this.#redis.duplicate({
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
    });
    delete listening.options.commandTimeout;
    // The other connection says what there is to say; without a listener an error event would end the process.
    listening.on('error', () => undefined);
    listening.on('message', (channel: string, text: string) => {
      this.#listeners.tell(channel.slice(prefix.length), text);
    });
    this.#listening = listening;
    return listening;
  }
}
