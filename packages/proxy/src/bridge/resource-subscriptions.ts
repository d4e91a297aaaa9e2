import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import type { JsonObject, Message } from './message.ts';

/** Sends a request of our own to the server. @throws ProxyError */
export type Ask = (method: string, params: JsonObject) => Promise<Message>;

/** The resources that a legacy server has to report on, for as long as somebody listens. */
export class ResourceSubscriptions {
  readonly #ask: Ask;
  readonly #log: Log;
  /** How many listen. */
  readonly #listening = new Map<string, number>();
  /** One after another: what is said last has to be what holds. */
  #order: Promise<unknown> = Promise.resolve();

  constructor(ask: Ask, log: Log) {
    this.#ask = ask;
    this.#log = log;
  }

  /**
   * Somebody begins to listen.
   *
   * @returns whether the server reports on this resource; then {@link release} ends it
   * @throws ProxyError
   */
  hold(uri: string): Promise<boolean> {
    return this.#inOrder(async () => {
      const others = this.#listening.get(uri) ?? 0;
      if (others === 0) {
        const { error } = await this.#ask('resources/subscribe', { uri });
        if (error !== undefined) {
          this.#log.debug('the server does not report on a resource', { uri, error: error.message });
          return false;
        }
      }
      this.#listening.set(uri, others + 1);
      return true;
    });
  }

  /** Somebody who listened does so no more. */
  release(uri: string): void {
    this.#inOrder(async () => {
      const others = (this.#listening.get(uri) ?? 0) - 1;
      if (others > 0) {
        this.#listening.set(uri, others);
        return;
      }
      this.#listening.delete(uri);
      await this.#ask('resources/unsubscribe', { uri });
    }).catch((error: unknown) => {
      this.#log.debug('the server goes on reporting on a resource', { uri, error: messageOf(error) });
    });
  }

  #inOrder<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#order.then(work);
    this.#order = turn.catch(() => undefined);
    return turn;
  }
}
