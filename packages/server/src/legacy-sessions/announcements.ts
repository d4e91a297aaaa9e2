import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server';
import type { SessionNews, Sessions } from '../shared-state/sessions.ts';
import { ownStream } from './event-log.ts';

/** Changes that clients of the legacy era are told without having asked, where they listen at all. */
const listChanges: Readonly<Partial<Record<ServerEvent['kind'], string>>> = {
  tools_list_changed: 'notifications/tools/list_changed',
  prompts_list_changed: 'notifications/prompts/list_changed',
  resources_list_changed: 'notifications/resources/list_changed',
};

/** Milliseconds for which a session's subscriptions are known: that they have changed is told, but news may be missed. */
const knownFor = 15_000;

/** Milliseconds for which changes are still kept for a client whose connection was cut, until it listens again. */
const lingering = 60_000;

/** What {@link Announcements} is made of. */
export interface AnnouncementsParts {
  readonly sessions: Sessions;
  readonly sessionId: string;
  /** What the stream that they are for tells the other nodes of itself: another one that says so takes over. */
  readonly stream: SessionNews;
  readonly changes: ServerEventBus;
  /** Redis is away: they could not be kept. */
  readonly onfailure: () => void;
}

/** Writes what has changed, at any node, into the event log of a session whose own stream is read at this one. */
export class Announcements {
  readonly #parts: AnnouncementsParts;
  readonly #ends: (() => void)[] = [];
  #subscribed: { readonly uris: Promise<ReadonlySet<string>>; readonly at: number } | undefined;
  #hasEnded = false;
  /** One after the other, so that they are told in the order in which things changed. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(parts: AnnouncementsParts) {
    this.#parts = parts;
  }

  /** Settles when nothing is missed any more. */
  static async begin(parts: AnnouncementsParts): Promise<Announcements> {
    const announcements = new Announcements(parts);
    const unwatch = await parts.sessions.watch(parts.sessionId, (news) => announcements.#hear(news));
    const unsubscribe = parts.changes.subscribe((event) => announcements.#announce(event));
    announcements.#ends.push(unwatch, unsubscribe);
    return announcements;
  }

  /** Ends them when the client, which was cut off, has had its time to come again. */
  linger(): void {
    if (this.#hasEnded) return;
    const timer = setTimeout(() => this.end(), lingering).unref();
    this.#ends.push(() => clearTimeout(timer));
  }

  end(): void {
    this.#hasEnded = true;
    for (const end of this.#ends.splice(0)) end();
  }

  #hear(news: SessionNews): void {
    if (news === 'subscriptions') this.#subscribed = undefined;
    else if (news === 'ended' || (news.startsWith('stream ') && news !== this.#parts.stream)) this.end();
  }

  #announce(event: ServerEvent): void {
    this.#last = this.#last
      .then(async () => this.#keep(event))
      .catch(() => {
        this.end();
        this.#parts.onfailure();
      });
  }

  async #keep(event: ServerEvent): Promise<void> {
    if (this.#hasEnded) return;
    const { sessions, sessionId } = this.#parts;
    const notification = await this.#notificationOf(event);
    if (notification === undefined) return;
    const message = JSON.stringify({ jsonrpc: '2.0', ...notification });
    await sessions.append(sessionId, { stream: ownStream, message, pending: [] });
  }

  async #notificationOf(event: ServerEvent): Promise<{ method: string; params?: object } | undefined> {
    if (event.kind !== 'resource_updated') {
      const method = listChanges[event.kind];
      return method === undefined ? undefined : { method };
    }
    const { uri } = event;
    if (!(await this.#subscriptions()).has(uri)) return undefined;
    return { method: 'notifications/resources/updated', params: { uri } };
  }

  async #subscriptions(): Promise<ReadonlySet<string>> {
    const now = performance.now();
    if (this.#subscribed === undefined || now - this.#subscribed.at > knownFor) {
      const { sessions, sessionId } = this.#parts;
      this.#subscribed = { uris: sessions.subscriptions(sessionId), at: now };
    }
    return this.#subscribed.uris;
  }
}
