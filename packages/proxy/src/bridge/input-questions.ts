import { Cancellation, type Signal } from '../cancellation.ts';
import { randomUUID } from 'node:crypto';
import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import { withLinkedSignal } from '../linked-signal.ts';
import { errors } from '../errors.ts';
import { Message, objectOf, type JsonObject, type RequestId, type RpcError } from './message.ts';
import type { RequestContext } from './server-side.ts';

/** How long the host may take for an answer: a person may have to think about it. */
const answeredWithin = 600_000;

/** The host's error in place of an answer. */
export class QuestionRefused extends Error {
  readonly rpcError: RpcError;

  constructor(method: string, { code, message, ...data }: RpcError) {
    super(`the host refuses ${method}`);
    const words = `The host did not give the server what it asked for (${method}): ${message}`;
    this.rpcError = { code, message: words, ...data };
  }
}

/** What a modern server wants to know before it goes on, asked of a legacy host by requests. */
export class InputQuestions {
  readonly #server: URL;
  readonly #log: Log;
  /** Questions that the host has yet to answer. */
  readonly #open = new Map<RequestId, (answer: Message) => void>();
  #count = 0;

  constructor(server: URL, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  /** Whether a message of the host answers a question; it is taken then. */
  takes(message: Message): boolean {
    const { kind, id } = message;
    const answer = kind === 'response' && id !== undefined ? this.#open.get(id) : undefined;
    answer?.(message);
    return answer !== undefined;
  }

  /**
   * Asks the host all that an `input_required` result wants to know, at once. The first failure withdraws what is open.
   *
   * @returns the answers by the server's keys
   * @throws QuestionRefused; ProxyError; the signal's reason
   */
  async ask(requests: JsonObject, context: RequestContext): Promise<JsonObject> {
    const failed = new Cancellation();
    return withLinkedSignal([context.signal, failed.signal], async (signal) => {
      const answers = Object.entries(requests).map(async ([key, request]) => {
        try {
          return [key, await this.#ask(objectOf(request), context, signal)] as const;
        } catch (error) {
          failed.abort(error as Error);
          throw error;
        }
      });
      return Object.fromEntries(await Promise.all(answers));
    });
  }

  async #ask({ method, params }: JsonObject, context: RequestContext, signal: Signal): Promise<JsonObject> {
    if (typeof method !== 'string') {
      throw errors.serverAnswerUnusable(this.#server, 'it asks for input without saying for what');
    }
    signal.throwIfAborted();
    this.#count += 1;
    const id = `keyhole-input-${this.#count}`;
    const answered = new Promise<Message>((resolve) => this.#open.set(id, resolve));
    try {
      await context.onMessage(Message.of({ id, method, ...legacyParams(params) }));
      const { result, error } = await withDeadline(answered, {
        milliseconds: answeredWithin,
        error: (milliseconds) => errors.inputNotGiven(this.#server, method, milliseconds),
        signal,
      });
      this.#open.delete(id);
      if (error !== undefined) throw new QuestionRefused(method, error);
      return result ?? {};
    } finally {
      if (this.#open.delete(id)) this.#withdraw(id, context);
    }
  }

  /** Tells the host that nobody wants to know any more. A host that does not listen holds up nobody. */
  #withdraw(requestId: RequestId, context: RequestContext): void {
    const words = { requestId, reason: 'The answer is not needed any more' };
    const notification = Message.notification('notifications/cancelled', words);
    Promise.resolve(context.onMessage(notification)).catch((error: unknown) => {
      this.#log.debug('a question to the host could not be withdrawn', { error: messageOf(error) });
    });
  }
}

/** The parameters of a question in the legacy era: where it shows an address, that has to have a name. */
function legacyParams(params: unknown): JsonObject {
  if (params === undefined) return {};
  const isAddress = objectOf(params)['mode'] === 'url';
  return { params: isAddress ? { elicitationId: randomUUID(), ...objectOf(params) } : params };
}
