import type { Message } from './message.ts';
import type { RequestContext, ServerSide } from './server-side.ts';

/** A server's side that is found out with the first message; a failure is tried again with the next one. */
export class LazySide implements ServerSide {
  readonly #open: () => Promise<ServerSide>;
  #side: Promise<ServerSide> | undefined;

  constructor(open: () => Promise<ServerSide>) {
    this.#open = open;
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    return (await this.#opened()).request(message, context);
  }

  async notify(message: Message): Promise<void> {
    await (await this.#opened()).notify(message);
  }

  async close(): Promise<void> {
    const side = await this.#side?.catch(() => undefined);
    await side?.close();
  }

  #opened(): Promise<ServerSide> {
    this.#side ??= this.#open().catch((error: unknown) => {
      this.#side = undefined;
      throw error;
    });
    return this.#side;
  }
}
