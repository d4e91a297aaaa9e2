import { randomUUID } from 'node:crypto';
import type { KnownRevocations, Revocation } from './known-revocations.ts';

/** The part of a Redis client that is used. */
export interface RedisClient {
  hgetall(key: string): Promise<Record<string, string>>;
  get(key: string): Promise<string | null>;
  eval(script: string, keyCount: number, ...words: (string | number)[]): Promise<unknown>;
}

// One hash tag, so that a cluster keeps both keys in one place, where a script may use both.
const revocationsKey = '{mcp-keyhole}:revocations';
const versionKey = '{mcp-keyhole}:revocations:version';

/**
 * Merges revocations into the hash, of two of one subject the later bounds; drops those whose last token has expired; and
 * gives the whole a new version. Both keys live until the last token has expired.
 */
const mergeScript = `
local now = tonumber(redis.call('TIME')[1])
local last = now
for index = 2, #ARGV, 3 do
  local subject, before, untilTime = ARGV[index], tonumber(ARGV[index + 1]), tonumber(ARGV[index + 2])
  local known = redis.call('HGET', KEYS[1], subject)
  if known then
    local knownBefore, knownUntil = string.match(known, '^(%d+):(%d+)$')
    before = math.max(before, tonumber(knownBefore))
    untilTime = math.max(untilTime, tonumber(knownUntil))
  end
  redis.call('HSET', KEYS[1], subject, string.format('%d:%d', before, untilTime))
end
local all = redis.call('HGETALL', KEYS[1])
for index = 1, #all, 2 do
  local untilTime = tonumber(string.match(all[index + 1], ':(%d+)$'))
  if untilTime < now then redis.call('HDEL', KEYS[1], all[index]) end
  last = math.max(last, untilTime)
end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('EXPIREAT', KEYS[1], last + 1)
redis.call('EXPIREAT', KEYS[2], last + 1)
return redis.status_reply('OK')
`;

/** The revocations in Redis: a hash by subject, and a version that tells a node whether it must read them again. */
export class RevocationStore {
  readonly #redis: RedisClient;
  /** What Redis had when it was last read. */
  #version: string | null | undefined;
  #stored = new Map<string, string>();

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /**
   * Brings this node's knowledge and Redis' together. One small command when neither has anything new.
   *
   * @returns whether the other nodes have something to read now
   */
  async exchange(known: KnownRevocations): Promise<boolean> {
    const version = await this.#redis.get(versionKey);
    if (version !== this.#version) {
      this.#stored = new Map(Object.entries(await this.#redis.hgetall(revocationsKey)));
      for (const [subject, text] of this.#stored) known.record(subject, revocationOf(text));
      this.#version = version;
    }
    const news = known.entries().filter(([subject, it]) => this.#stored.get(subject) !== textOf(it));
    if (news.length === 0) return false;
    const words = news.flatMap(([subject, { before, until }]) => [subject, before, until]);
    await this.#redis.eval(mergeScript, 2, revocationsKey, versionKey, randomUUID(), ...words);
    // Another node may have written in between; its entries are read at the next exchange.
    this.#version = undefined;
    for (const [subject, it] of news) this.#stored.set(subject, textOf(it));
    return true;
  }
}

function textOf({ before, until }: Revocation): string {
  return `${before}:${until}`;
}

function revocationOf(text: string): Revocation {
  const [before = 0, until = 0] = text.split(':').map(Number);
  return { before, until };
}
