import { createHash } from 'node:crypto';
import type { InitializeRequestParams, RequestId } from '@modelcontextprotocol/server';
import type { Redis } from 'ioredis';
import type { Messages } from './messages.ts';
import { orUnavailable } from './redis-answer.ts';
import {
  appendScript,
  beginScript,
  endScript,
  findScript,
  subscribeScript,
  unsubscribeScript,
} from './redis-session-scripts.ts';
import {
  eventLimits,
  subscriptionLimits,
  type SessionEvent,
  type SessionLimits,
  type SessionNews,
  type Sessions,
} from './sessions.ts';

// One hash tag, so that a cluster keeps all keys in one place, where a script may use them.
const tag = '{mcp-keyhole}:session';
const all = `${tag}s`;
const sessionKey = (id: string): string => `${tag}:${id}`;
const eventsKey = (id: string): string => `${tag}:${id}:events`;
/** Subscriptions are fields of the session, so that they end with it. */
const uriField = 'uri:';
const channelOf = (id: string): string => `session:${id}`;

/** Owners are hashed: ids come from elsewhere and may be of any length. */
const ownerKey = (owner: string): string =>
  `${all}:of:${createHash('sha256').update(owner).digest('base64url')}`;

/**
 * The sessions of several nodes: a hash for each, a stream of what was sent in it, and two sorted sets by expiry, of all
 * sessions and of each owner's. All keys expire by themselves.
 */
export function createRedisSessions(limits: SessionLimits, redis: Redis, messages: Messages): Sessions {
  const run = async (script: string, keys: string[], ...words: (string | number)[]): Promise<unknown> =>
    orUnavailable(redis.eval(script, keys.length, ...keys, ...words));
  const tell = async (id: string, news: SessionNews): Promise<void> => {
    await messages.publish(channelOf(id), news);
  };

  return {
    begin: async ({ id, owner, client }) => {
      const keys = [all, ownerKey(owner), sessionKey(id)];
      const { idle, most, mostOfOwner } = limits;
      const data = [owner, JSON.stringify(client)];
      const [begun, ended] = (await run(
        beginScript,
        keys,
        id,
        idle,
        most,
        mostOfOwner,
        `${tag}:`,
        ...data,
      )) as [number, string];
      if (ended !== '') await tell(ended, 'ended');
      return begun === 1;
    },
    find: async (id) => {
      const keys = [all, sessionKey(id), eventsKey(id)];
      const found = (await run(findScript, keys, id, limits.idle)) as (string | null)[] | null;
      const [owner, client, logLevel, delivered] = found ?? [];
      if (typeof owner !== 'string' || typeof client !== 'string') return undefined;
      return {
        id,
        owner,
        client: JSON.parse(client) as InitializeRequestParams,
        logLevel: logLevel ?? undefined,
        delivered: delivered ?? undefined,
      };
    },
    update: async (id, change) => {
      const fields = Object.entries(change).flatMap(([name, value]: [string, string | undefined]) =>
        value === undefined ? [] : [name, value],
      );
      await run(
        `if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], unpack(ARGV)) end`,
        [sessionKey(id)],
        ...fields,
      );
    },
    end: async ({ id, owner }) => {
      await run(endScript, [all, ownerKey(owner), sessionKey(id), eventsKey(id)], id);
      await tell(id, 'ended');
    },
    count: async () => orUnavailable(redis.zcount(all, Date.now(), '+inf')),
    append: async (id, { stream, message, pending }) => {
      const { bytes, count } = eventLimits;
      const words = [stream, message, JSON.stringify(pending), bytes, count, limits.idle];
      const added = await run(appendScript, [sessionKey(id), eventsKey(id)], ...words);
      if (typeof added !== 'string') return undefined;
      await tell(id, 'event');
      return added;
    },
    eventsFrom: async (id, from = '-') =>
      (await orUnavailable(redis.xrange(eventsKey(id), from, '+'))).map(eventOf),
    subscribe: async (id, uri) => {
      const words = [`${uriField}${uri}`, subscriptionLimits.count];
      if ((await run(subscribeScript, [sessionKey(id)], ...words)) !== 1) return false;
      await tell(id, 'subscriptions');
      return true;
    },
    unsubscribe: async (id, uri) => {
      await run(unsubscribeScript, [sessionKey(id)], `${uriField}${uri}`);
      await tell(id, 'subscriptions');
    },
    subscriptions: async (id) => {
      const fields = await orUnavailable(redis.hkeys(sessionKey(id)));
      const uris = fields.filter((field) => field.startsWith(uriField));
      return new Set(uris.map((field) => field.slice(uriField.length)));
    },
    tell,
    watch: async (id, listener) => messages.subscribe(channelOf(id), (text) => listener(text as SessionNews)),
  };
}

function eventOf([id, fields]: [id: string, fields: string[]]): SessionEvent {
  const [, stream = '', , message = '', , pending = '[]'] = fields;
  return { id, stream, message, pending: JSON.parse(pending) as RequestId[] };
}
