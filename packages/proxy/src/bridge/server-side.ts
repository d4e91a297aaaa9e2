import type { Signal } from '../cancellation.ts';
import type { Message } from './message.ts';

/** Why a request was ended: the host's own words. */
export class HostCancelled extends Error {
  readonly notification: Message;

  /** @param notification the host's `notifications/cancelled` */
  constructor(notification: Message) {
    super('the host has cancelled the request');
    this.notification = notification;
  }
}

/** Takes what the server sends of its own accord. */
export type OnMessage = (message: Message) => Promise<void> | void;

/** What a request is carried out with. */
export interface RequestContext {
  /**
   * Aborted when the host cancels ({@link HostCancelled}) or nobody waits any more. It is the server side's business to tell
   * the server, in the way of its era.
   */
  readonly signal: Signal;
  /**
   * Takes what the server sends while it works on the request: progress, log messages, requests of its own. Whoever
   * calls awaits it before reading on, so that a slow host slows the server down.
   */
  readonly onMessage: OnMessage;
}

/**
 * The server, as one host sees it: in the host's era, whichever the server speaks. What is handed in is not changed, and
 * answers carry the id of their request.
 */
export interface ServerSide {
  /**
   * Carries a request out and resolves to its one answer, which may be an error of the server's.
   *
   * @throws ProxyError when there is no answer and why; the signal's reason when the host has cancelled
   */
  request(message: Message, context: RequestContext): Promise<Message>;
  /**
   * Delivers a notification, or the host's answer to a request of the server.
   *
   * @throws ProxyError when it could not be delivered
   */
  notify(message: Message): Promise<void>;
  /** Ends the session and whatever is open; never throws. */
  close(): Promise<void>;
}
