import { Cancellation } from '../cancellation.ts';
import type { Log } from '@mcp-keyhole/cli-kit';
import { unlessAborted } from '../deadline.ts';
import { errors } from '../errors.ts';
import { Errands } from './errands.ts';
import { createHandshake } from './legacy-handshake.ts';
import { Listening } from './listening.ts';
import { createLogLevel } from './log-level.ts';
import { Message, objectOf, type JsonObject } from './message.ts';
import {
  discovery,
  inLegacyTerms,
  inModernTerms,
  invalidParams,
  logLevelKey,
  signed,
  whyNotModern,
} from './modern-terms.ts';
import type { OnMessage, RequestContext, ServerSide } from './server-side.ts';

/** Notifications that are not for the server: the session is begun here, and cancelling is done by the signal. */
const notForServer = new Set<string | undefined>(['notifications/initialized', 'notifications/cancelled']);

/** What {@link createModernHost} works with. */
export interface ModernHostContext {
  /** Takes what is for the host and belongs to no request of it. */
  readonly onMessage: OnMessage;
  readonly log: Log;
}

/**
 * A legacy server as a modern host sees it (MCP 2026-07-28): a session is kept in its name, what the server asks for
 * reaches it as `input_required`, and what changes there through `subscriptions/listen`.
 *
 * @param open makes the server's side, of the legacy era, given what takes the messages that it sends of its own accord
 */
export function createModernHost(
  open: (onMessage: OnMessage) => ServerSide,
  context: ModernHostContext,
): ServerSide {
  return new ModernHost(open, context);
}

class ModernHost implements ServerSide {
  readonly #server: ServerSide;
  readonly #handshake: (meta: JsonObject) => Promise<Message>;
  readonly #tellLogLevel: (wanted: readonly unknown[]) => Promise<void>;
  readonly #listening: Listening;
  readonly #errands: Errands;
  readonly #end = new Cancellation();
  #requests = 0;

  constructor(open: (onMessage: OnMessage) => ServerSide, { onMessage, log }: ModernHostContext) {
    const server = open((message) => this.#errands.take(message));
    const ask = (method: string, params: JsonObject): Promise<Message> => this.#ask(method, params);
    const listening = new Listening(ask, log);
    this.#server = server;
    this.#handshake = createHandshake(server, ask, log);
    this.#tellLogLevel = createLogLevel(ask, log);
    this.#listening = listening;
    this.#errands = new Errands({
      server,
      newId: () => this.#newId(),
      takesChange: (message) => listening.takes(message),
      onMessage,
      log,
    });
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    context.signal.throwIfAborted();
    const { id = '', method = '', params } = message;
    const meta = objectOf(params['_meta']);
    const refusal = whyNotModern(method, meta);
    if (refusal !== undefined) return Message.error(id, refusal);
    const { result: greeting, json } = await unlessAborted(this.#handshake(meta), context.signal);
    if (greeting === undefined) return Message.of({ ...json, id });
    if (method === 'server/discover') return Message.result(id, discovery(greeting));
    if (method === 'subscriptions/listen') return this.#listen(message, context, greeting);
    if (objectOf(greeting['capabilities'])['logging'] !== undefined) {
      const wanted = [meta[logLevelKey], ...this.#errands.logLevels];
      await unlessAborted(this.#tellLogLevel(wanted), context.signal);
    }
    return this.#carry(message, params, context, greeting);
  }

  async notify(message: Message): Promise<void> {
    // What it answers was asked by nobody: questions and answers of a modern host stand in results and requests.
    if (message.kind !== 'notification' || notForServer.has(message.method)) return;
    await this.#server.notify(inLegacyTerms(message));
  }

  async close(): Promise<void> {
    this.#listening.close();
    this.#end.abort(errors.shuttingDown());
    this.#errands.end(this.#end.signal.reason);
    await this.#server.close();
  }

  async #listen(message: Message, context: RequestContext, greeting: JsonObject): Promise<Message> {
    const { id = '', params } = message;
    const { notifications } = params;
    const wanted = objectOf(notifications);
    if (wanted !== notifications) {
      return Message.error(id, {
        code: invalidParams,
        message: 'Invalid params: notifications is no object',
      });
    }
    const capabilities = objectOf(greeting['capabilities']);
    const result = await this.#listening.listen(id, wanted, capabilities, context);
    return Message.result(id, signed(result, greeting));
  }

  async #carry(
    message: Message,
    { requestState, inputResponses, _meta }: JsonObject,
    context: RequestContext,
    greeting: JsonObject,
  ): Promise<Message> {
    this.#end.signal.throwIfAborted();
    const { id = '', method = '' } = message;
    const isReturn = requestState !== undefined || inputResponses !== undefined;
    const errand = isReturn
      ? this.#errands.awaited(method, requestState)
      : this.#errands.begin(method, objectOf(_meta));
    if (errand === undefined) {
      const words = 'Invalid params: the requestState is unknown or has expired; make the request anew';
      return Message.error(id, { code: invalidParams, message: words });
    }
    const step = await errand.carry(message, context);
    if (step.kind === 'input_required') return Message.result(id, signed(step.result, greeting));
    const { json, result } = step.answer;
    if (result === undefined) return Message.of({ ...json, id });
    return Message.of({ ...json, id, result: inModernTerms(method, result, greeting) });
  }

  /** A request of our own. @throws ProxyError */
  async #ask(method: string, params: JsonObject): Promise<Message> {
    const { signal } = this.#end;
    signal.throwIfAborted();
    const request = Message.request(this.#newId(), method, params);
    const onMessage: OnMessage = (message) => this.#errands.take(message);
    return unlessAborted(this.#server.request(request, { signal, onMessage }), signal);
  }

  /** Ids at the server are ours: the host may use one of its own again as soon as it was asked for input. */
  #newId(): number {
    this.#requests += 1;
    return this.#requests;
  }
}
