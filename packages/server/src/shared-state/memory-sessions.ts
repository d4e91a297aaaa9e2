import type { Messages } from './messages.ts';
import {
  eventLimits,
  subscriptionLimits,
  type Session,
  type SessionEvent,
  type SessionLimits,
  type Sessions,
} from './sessions.ts';

interface Kept {
  session: Session;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  readonly events: SessionEvent[];
  readonly subscriptions: Set<string>;
  bytes: number;
}

const channelOf = (id: string): string => `session:${id}`;

/**
 * The sessions of a server that is one node: they end with the process.
 *
 * @param now milliseconds since the epoch
 */
export function createMemorySessions(
  limits: SessionLimits,
  messages: Messages,
  now: () => number = Date.now,
): Sessions {
  // The longest idle one first, since each use moves a session to the end.
  const kept = new Map<string, Kept>();
  const ofOwner = new Map<string, Set<string>>();
  let events = 0;

  const tell: Sessions['tell'] = async (id, news) => {
    await messages.publish(channelOf(id), news);
  };

  async function end({ id, owner }: Session): Promise<void> {
    if (!kept.delete(id)) return;
    const ids = ofOwner.get(owner);
    ids?.delete(id);
    if (ids?.size === 0) ofOwner.delete(owner);
    await tell(id, 'ended');
  }

  function use(it: Kept): void {
    it.expiresAt = now() + limits.idle;
    const { id, owner } = it.session;
    kept.delete(id);
    kept.set(id, it);
    const ids = ofOwner.get(owner) ?? new Set();
    ids.delete(id);
    ofOwner.set(owner, ids.add(id));
  }

  async function endExpired(): Promise<void> {
    for (const { session, expiresAt } of kept.values()) {
      if (expiresAt > now()) return;
      await end(session);
    }
  }

  return {
    begin: async (session) => {
      await endExpired();
      const ids = ofOwner.get(session.owner) ?? new Set();
      const [oldest] = ids;
      const oldestSession = oldest === undefined ? undefined : kept.get(oldest)?.session;
      if (ids.size >= limits.mostOfOwner && oldestSession !== undefined) await end(oldestSession);
      if (kept.size >= limits.most) return false;
      use({ session, expiresAt: 0, events: [], subscriptions: new Set(), bytes: 0 });
      return true;
    },
    find: async (id) => {
      await endExpired();
      const it = kept.get(id);
      if (it === undefined) return undefined;
      use(it);
      return it.session;
    },
    update: (id, change) => {
      const it = kept.get(id);
      if (it !== undefined) it.session = { ...it.session, ...change };
      return Promise.resolve();
    },
    end,
    count: async () => {
      await endExpired();
      return kept.size;
    },
    append: async (id, event) => {
      const it = kept.get(id);
      if (it === undefined) return undefined;
      events += 1;
      it.events.push({ ...event, id: String(events) });
      it.bytes += event.message.length;
      while (it.bytes > eventLimits.bytes || it.events.length > eventLimits.count) {
        it.bytes -= it.events.shift()?.message.length ?? 0;
      }
      const added = String(events);
      await tell(id, 'event');
      return added;
    },
    eventsFrom: (id, from) => {
      const all = kept.get(id)?.events ?? [];
      return Promise.resolve(all.filter((event) => from === undefined || Number(event.id) >= Number(from)));
    },
    subscribe: async (id, uri) => {
      const subscriptions = kept.get(id)?.subscriptions;
      if (subscriptions === undefined) return false;
      if (subscriptions.size >= subscriptionLimits.count && !subscriptions.has(uri)) return false;
      subscriptions.add(uri);
      await tell(id, 'subscriptions');
      return true;
    },
    unsubscribe: async (id, uri) => {
      kept.get(id)?.subscriptions.delete(uri);
      await tell(id, 'subscriptions');
    },
    subscriptions: (id) => Promise.resolve(new Set(kept.get(id)?.subscriptions)),
    tell,
    watch: (id, listener) =>
      messages.subscribe(channelOf(id), (text) => listener(text as Parameters<typeof listener>[0])),
  };
}
