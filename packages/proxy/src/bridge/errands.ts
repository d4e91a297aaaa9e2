import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { Errand } from './errand.ts';
import { Message, type JsonObject, type RequestId } from './message.ts';
import { methodNotFound } from './modern-terms.ts';
import type { OnMessage, ServerSide } from './server-side.ts';

/** What {@link Errands} work with. */
export interface ErrandsContext {
  readonly server: ServerSide;
  readonly newId: () => RequestId;
  /** Takes a notification that belongs to no errand. Whether it did: then it goes no further. */
  readonly takesChange: (message: Message) => Promise<boolean>;
  /** Takes what is for the host and belongs to no request of it. */
  readonly onMessage: OnMessage;
  readonly log: Log;
}

/** What is under way at a legacy server for a modern host, and who gets what the server sends about it. */
export class Errands {
  readonly #context: ErrandsContext;
  /** In the order in which they were begun. */
  readonly #errands = new Set<Errand>();

  constructor(context: ErrandsContext) {
    this.#context = context;
  }

  get logLevels(): readonly unknown[] {
    return [...this.#errands].map(({ logLevel }) => logLevel);
  }

  begin(method: string, meta: JsonObject): Errand {
    const { server, newId, log } = this.#context;
    const errand: Errand = new Errand(method, meta, newId(), {
      server,
      onMessage: (message) => this.take(message, errand),
      log,
      onEnd: () => this.#errands.delete(errand),
    });
    this.#errands.add(errand);
    return errand;
  }

  /** The errand that the host comes back for. */
  awaited(method: string, handle: unknown): Errand | undefined {
    return [...this.#errands].find(
      (errand) => errand.handle !== undefined && errand.handle === handle && errand.method === method,
    );
  }

  end(reason: unknown): void {
    for (const errand of this.#errands) errand.end(reason);
  }

  /**
   * Takes what the server sends.
   *
   * @param own the errand on whose way it comes; undefined when it comes of the server's own accord
   */
  take(message: Message, own?: Errand): ReturnType<OnMessage> {
    const { kind, method = '' } = message;
    if (kind === 'response') return undefined;
    if (kind === 'request') {
      this.#takeQuestion(message, own);
      return undefined;
    }
    switch (method) {
      case 'notifications/elicitation/complete':
        // A modern host does not know what it would be about.
        return undefined;
      case 'notifications/cancelled': {
        const { requestId } = message.params;
        for (const errand of this.#errands) errand.withdraw(requestId);
        return undefined;
      }
      case 'notifications/progress': {
        const { progressToken } = message.params;
        return [...this.#errands].find((errand) => errand.isNamed(progressToken))?.progress(message);
      }
      case 'notifications/message': {
        const { level } = message.params;
        return this.#about(own, (errand) => errand.hears(level))?.pass(message);
      }
      default:
        return this.#passOn(message, own);
    }
  }

  async #passOn(message: Message, own: Errand | undefined): Promise<void> {
    const { takesChange, onMessage } = this.#context;
    if (await takesChange(message)) return;
    await (own === undefined ? onMessage(message) : own.pass(message));
  }

  #takeQuestion(question: Message, own: Errand | undefined): void {
    const { id = '', method = '' } = question;
    if (method === 'ping') {
      this.#tell(Message.result(id, {}));
      return;
    }
    const errand = this.#about(own, ({ mayAsk }) => mayAsk);
    if (errand !== undefined) {
      errand.ask(question);
      return;
    }
    const words = `Method not found: ${method} (the host can only be asked during a request that allows it)`;
    this.#tell(Message.error(id, { code: methodNotFound, message: words }));
  }

  /**
   * The errand that something of the server is about. Many servers send questions and log messages of a tool on their own
   * stream, without saying so: then it is the errand begun last.
   */
  #about(own: Errand | undefined, fits: (errand: Errand) => boolean): Errand | undefined {
    return (own === undefined ? [...this.#errands].reverse() : [own]).find(fits);
  }

  #tell(message: Message): void {
    this.#context.server.notify(message).catch((error: unknown) => {
      this.#context.log.debug('the server could not be told', { error: messageOf(error) });
    });
  }
}
