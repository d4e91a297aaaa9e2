import type { Message } from './message.ts';

const standingMethods = new Set<string | undefined>([
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);

/**
 * What a session at a legacy server consists of, kept so that a new one can be made like it: the handshake, and what was
 * said once and holds until the end.
 */
export class LegacySession {
  /** The host's `initialize`. */
  readonly initialize: Message;
  /** The server's name for the session; undefined where it keeps none. */
  readonly id: string | undefined;
  /** The protocol version that the server chose. */
  readonly version: string | undefined;
  /** The result of `initialize`, to see whether the server is another one afterwards. */
  readonly greeting: string;
  /** The headers of every request in the session. */
  readonly headers: Readonly<Record<string, string>>;
  initialized: Message | undefined;
  logLevel: Message | undefined;
  readonly subscriptions = new Map<unknown, Message>();

  constructor(initialize: Message, answer: Message, id: string | undefined) {
    const version = answer.result?.['protocolVersion'];
    this.initialize = initialize;
    this.id = id;
    this.version = typeof version === 'string' ? version : undefined;
    this.greeting = JSON.stringify(answer.result);
    this.headers = {
      ...(this.id === undefined ? {} : { 'mcp-session-id': this.id }),
      ...(this.version === undefined ? {} : { 'mcp-protocol-version': this.version }),
    };
  }

  /** Takes over what the session before was told. */
  inherit(before: LegacySession): void {
    this.initialized = before.initialized;
    this.logLevel = before.logLevel;
    for (const [uri, message] of before.subscriptions) this.subscriptions.set(uri, message);
  }

  /** Keeps what holds until the end, if the server has taken it. */
  keep(message: Message, answer: Message): void {
    if (!standingMethods.has(message.method) || answer.error !== undefined) return;
    switch (message.method) {
      case 'logging/setLevel':
        this.logLevel = message;
        break;
      case 'resources/subscribe':
        this.subscriptions.set(message.params['uri'], message);
        break;
      case 'resources/unsubscribe':
        this.subscriptions.delete(message.params['uri']);
        break;
      default:
    }
  }

  /** What a new session has to be told again. */
  get standing(): readonly Message[] {
    return [...(this.logLevel === undefined ? [] : [this.logLevel]), ...this.subscriptions.values()];
  }
}
