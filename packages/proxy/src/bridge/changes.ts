import { Cancellation, type Signal } from '../cancellation.ts';
import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import { errors } from '../errors.ts';
import { KeptStream, NotReported, type KeptStreamContext } from './kept-stream.ts';
import { objectOf, type JsonObject } from './message.ts';

/** How long a server may take to say what it will report on. */
const acknowledgedWithin = 15_000;

/** What {@link Changes} work with. */
export interface ChangesContext extends KeptStreamContext {
  readonly server: URL;
}

/** What a legacy host hears of that changes at a modern server: lists, and the resources that it subscribes to. */
export class Changes {
  readonly #server: URL;
  readonly #log: Log;
  readonly #stream: KeptStream;
  #lists: JsonObject = {};
  readonly #uris = new Set<string>();
  /** One after another: what is said last has to be what holds. */
  #order: Promise<unknown> = Promise.resolve();
  readonly #end = new Cancellation();

  constructor(context: ChangesContext) {
    this.#server = context.server;
    this.#log = context.log;
    this.#stream = new KeptStream(context);
  }

  /** Begins to listen to changes of the lists that the server reports on, by its capabilities. */
  start(capabilities: JsonObject): void {
    const reported = ['tools', 'prompts', 'resources'].filter(
      (kind) => objectOf(capabilities[kind])['listChanged'] === true,
    );
    this.#lists = Object.fromEntries(reported.map((kind) => [`${kind}ListChanged`, true]));
    this.#renewLater();
  }

  /**
   * Listens to a resource too.
   *
   * @returns whether the server reports on it
   * @throws ProxyError; the signal's reason
   */
  subscribe(uri: string, signal: Signal): Promise<boolean> {
    return this.#inOrder(async () => {
      if (this.#uris.has(uri)) return true;
      this.#uris.add(uri);
      try {
        const { resourceSubscriptions } = await this.#renewed(signal);
        if (Array.isArray(resourceSubscriptions) && resourceSubscriptions.includes(uri)) return true;
        throw new NotReported('the server leaves it out');
      } catch (error) {
        this.#uris.delete(uri);
        this.#renewLater();
        if (error instanceof NotReported) return false;
        throw error;
      }
    });
  }

  /** Listens to a resource no more. @throws the signal's reason */
  async unsubscribe(uri: string, signal: Signal): Promise<void> {
    await this.#inOrder(async () => {
      if (this.#uris.delete(uri)) await this.#renewed(signal);
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      // The efforts go on. Until then there are reports that the host has no use for.
      this.#log.debug('the server goes on reporting on a resource', { uri, error: messageOf(error) });
    });
  }

  /** Tells that the server has answered something: what could not be listened to may be possible now. */
  worked(): void {
    this.#stream.worked();
  }

  close(): void {
    const reason = errors.shuttingDown();
    this.#end.abort(reason);
    this.#stream.close(reason);
  }

  #inOrder<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#order.then(() => {
      this.#end.signal.throwIfAborted();
      return work();
    });
    this.#order = turn.catch(() => undefined);
    return turn;
  }

  #renewLater(): void {
    this.#inOrder(() => this.#renewed(this.#end.signal)).catch((error: unknown) => {
      this.#log.debug('changes at the server are not reported', { error: messageOf(error) });
    });
  }

  /** Resolves to what the server will report on, once it says so. */
  #renewed(signal: Signal): Promise<JsonObject> {
    const resources = this.#uris.size === 0 ? {} : { resourceSubscriptions: [...this.#uris] };
    return withDeadline(this.#stream.listenTo({ ...this.#lists, ...resources }), {
      milliseconds: acknowledgedWithin,
      error: (milliseconds) => errors.serverSilent(this.#server, milliseconds),
      signal,
    });
  }
}
