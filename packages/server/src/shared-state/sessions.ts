import type { InitializeRequestParams, RequestId } from '@modelcontextprotocol/server';

/** How many sessions there may be, over all nodes, and how long. */
export interface SessionLimits {
  /** Milliseconds after its last use for which a session is kept. */
  readonly idle: number;
  readonly most: number;
  readonly mostOfOwner: number;
}

/** How much of a session is kept for streams to be resumed: what is older, or beyond, is dropped. */
export const eventLimits = { count: 256, bytes: 1024 * 1024 };

/** What a session may be subscribed to: how many resources, and how many characters a URI has. */
export const subscriptionLimits = { count: 256, length: 2_048 };

/** A session of a legacy client. It is data, not a connection: any node can serve it. */
export interface Session {
  readonly id: string;
  /** Whose it is; see `ownerOf`. */
  readonly owner: string;
  /** What the client said of itself in its `initialize`. */
  readonly client: InitializeRequestParams;
  /** What the client asked for with `logging/setLevel`. */
  readonly logLevel?: string | undefined;
  /** The last event of the session's own stream that was sent to the client. */
  readonly delivered?: string | undefined;
}

/** What was sent on one of a session's streams. */
export interface SessionEvent {
  /** Where it stands in the session. */
  readonly id: string;
  readonly stream: string;
  /** A JSON-RPC message; empty for an event that only gives the stream an id. */
  readonly message: string;
  /** The requests that the stream had still to answer, after this event. None: it is the last one. */
  readonly pending: readonly RequestId[];
}

/** What happened in a session: new events, other subscriptions, its end, or what a node tells the others. */
export type SessionNews = 'event' | 'subscriptions' | 'ended' | `stream ${string}`;

/**
 * The sessions of legacy clients and what was sent in them, for all nodes.
 *
 * Every method throws SharedStateUnavailable when Redis does not answer: whose a session is cannot be told then.
 */
export interface Sessions {
  /** Begins a session; an owner's longest idle one ends for it, if he has too many. @returns false when there are too many in all */
  begin(session: Session): Promise<boolean>;
  /** The session with that id, which counts as a use of it. */
  find(id: string): Promise<Session | undefined>;
  /** Changes what may change; does nothing when the session has ended. */
  update(id: string, change: Pick<Session, 'logLevel' | 'delivered'>): Promise<void>;
  end(session: Session): Promise<void>;
  /** How many there are, over all nodes. */
  count(): Promise<number>;
  /** Adds an event, and tells those who watch. @returns its id; undefined when the session has ended */
  append(id: string, event: Omit<SessionEvent, 'id'>): Promise<string | undefined>;
  /**
   * The events from one on, itself included, of all streams. When it is not the first of them, it is no longer kept, nor
   * are perhaps some that followed.
   *
   * @param from Default: from the oldest
   */
  eventsFrom(id: string, from?: string): Promise<SessionEvent[]>;
  /** Subscribes to a resource, and tells those who watch. @returns false when there are too many, or the session has ended */
  subscribe(id: string, uri: string): Promise<boolean>;
  unsubscribe(id: string, uri: string): Promise<void>;
  /** The URIs of the resources that the session is subscribed to. */
  subscriptions(id: string): Promise<ReadonlySet<string>>;
  /** Tells all nodes that watch the session. */
  tell(id: string, news: SessionNews): Promise<void>;
  /** Hears of news from when the promise has settled. Some may be missed, so have a look now and then. @returns what ends it */
  watch(id: string, listener: (news: SessionNews) => void): Promise<() => void>;
}
