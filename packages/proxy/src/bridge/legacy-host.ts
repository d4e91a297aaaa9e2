import { Cancellation, type Signal } from '../cancellation.ts';
import type { Log } from '@mcp-keyhole/cli-kit';
import { errors } from '../errors.ts';
import { withLinkedSignal } from '../linked-signal.ts';
import { pause } from '../pause.ts';
import { Changes } from './changes.ts';
import { InputQuestions, QuestionRefused } from './input-questions.ts';
import { envelopeOf, legacyAnswer, legacyGreeting, stamped } from './legacy-terms.ts';
import { levels } from './log-level.ts';
import { Message, objectOf, type JsonObject, type RequestId } from './message.ts';
import { invalidParams, logLevelKey, methodNotFound } from './modern-terms.ts';
import type { OnMessage, RequestContext, ServerSide } from './server-side.ts';

/** How often a server may ask for input before it answers. */
const mostRounds = 32;
/** How long to wait with a repetition for which the server wants nothing but time; each time twice as long. */
const firstDelay = 250;
const longestDelay = 5_000;

/** Notifications of the legacy era that a modern server does not know: what they are about is kept here. */
const notForServer = new Set<string | undefined>([
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
  'notifications/tasks/status',
]);

/** What {@link createLegacyHost} works with. */
export interface LegacyHostContext {
  readonly server: URL;
  /** Takes what is for the host and belongs to no request of it. */
  readonly onMessage: OnMessage;
  readonly log: Log;
  /** Milliseconds on a clock that only goes forward. Default: the process's. */
  readonly now?: () => number;
  /** Waits so many milliseconds, unless the signal is aborted; then its reason is thrown. Default: on a timer. */
  readonly wait?: (milliseconds: number, signal: Signal) => Promise<void>;
}

/**
 * A modern server as a legacy host sees it (MCP 2025-11-25 and before): there is a session, what the server wants to know
 * comes as requests, and what changes there as notifications.
 *
 * @param side the server's side, of the modern era
 */
export function createLegacyHost(side: ServerSide, context: LegacyHostContext): ServerSide {
  return new LegacyHost(side, context);
}

class LegacyHost implements ServerSide {
  readonly #side: ServerSide;
  readonly #context: LegacyHostContext;
  readonly #questions: InputQuestions;
  readonly #changes: Changes;
  readonly #end = new Cancellation();
  /** What is said of the host in every request. */
  #envelope = envelopeOf({});
  /** The server's. */
  #capabilities: JsonObject = {};
  #requests = 0;

  constructor(side: ServerSide, context: LegacyHostContext) {
    const { server, onMessage, log, now, wait } = context;
    this.#side = side;
    this.#context = context;
    this.#questions = new InputQuestions(server, log);
    this.#changes = new Changes({
      server,
      listen: (notifications, exchange) => {
        const request = Message.request(this.#newId(), 'subscriptions/listen', { notifications });
        return side.request(stamped(request, this.#envelope), exchange);
      },
      onMessage,
      log,
      now,
      wait,
    });
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    return withLinkedSignal([context.signal, this.#end.signal], async (signal) => {
      signal.throwIfAborted();
      const onMessage: OnMessage = (each) => context.onMessage(each);
      return this.#answer(message, { signal, onMessage });
    });
  }

  async notify(message: Message): Promise<void> {
    if (message.kind === 'response') {
      if (!this.#questions.takes(message)) {
        this.#context.log.debug('the host has answered what nobody waits for', { id: message.id });
      }
    } else if (message.method === 'notifications/initialized') {
      this.#changes.start(this.#capabilities);
    } else if (!notForServer.has(message.method)) {
      await this.#side.notify(stamped(message, this.#envelope));
    }
  }

  async close(): Promise<void> {
    this.#end.abort(errors.shuttingDown());
    this.#changes.close();
    await this.#side.close();
  }

  async #answer(message: Message, context: RequestContext): Promise<Message> {
    const { id = '', method, params } = message;
    switch (method) {
      case 'initialize':
        return this.#greet(message, context);
      case 'ping':
        return Message.result(id, {});
      case 'logging/setLevel':
        return this.#setLogLevel(id, params['level']);
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return this.#subscribe(message, context);
      default:
        return this.#carry(message, context);
    }
  }

  async #greet(message: Message, context: RequestContext): Promise<Message> {
    const { id = '', params, meta } = message;
    this.#envelope = envelopeOf(params);
    const question = Message.request(id, 'server/discover', { _meta: { ...meta, ...this.#envelope } });
    const answer = await this.#side.request(question, context);
    if (answer.result === undefined) return answer;
    const greeting = legacyGreeting(params['protocolVersion'], answer.result);
    this.#capabilities = objectOf(greeting['capabilities']);
    return Message.result(id, greeting);
  }

  /** A level holds for the session; told with every request. */
  #setLogLevel(id: RequestId, level: unknown): Message {
    if (typeof level !== 'string' || !levels.includes(level)) {
      const words = `Invalid params: there is no log level ${JSON.stringify(level)}`;
      return Message.error(id, { code: invalidParams, message: words });
    }
    this.#envelope = { ...this.#envelope, [logLevelKey]: level };
    return Message.result(id, {});
  }

  async #subscribe({ id = '', method, params }: Message, { signal }: RequestContext): Promise<Message> {
    const { uri } = params;
    if (typeof uri !== 'string') {
      return Message.error(id, { code: invalidParams, message: 'Invalid params: uri is no string' });
    }
    if (method === 'resources/unsubscribe') {
      await this.#changes.unsubscribe(uri, signal);
    } else if (!(await this.#changes.subscribe(uri, signal))) {
      const words = `Method not found: resources/subscribe (the server does not report on ${uri})`;
      return Message.error(id, { code: methodNotFound, message: words });
    }
    return Message.result(id, {});
  }

  /** Carries a request out: as often as the server asks for input, it is repeated with that. */
  async #carry(message: Message, context: RequestContext): Promise<Message> {
    const { id = '', method = '' } = message;
    const exchange = { ...context, onMessage: this.#notificationsTo(context) };
    let request = stamped(message, this.#envelope);
    let delay = firstDelay;
    for (let round = 1; ; round += 1) {
      const answer = await this.#side.request(request, exchange);
      this.#changes.worked();
      const { result } = answer;
      if (result?.['resultType'] !== 'input_required') return legacyAnswer(method, answer, id);
      if (round === mostRounds) throw errors.inputEndless(this.#context.server, mostRounds);
      const requests = objectOf(result['inputRequests']);
      const { requestState } = result;
      // What the server has for us to keep goes back as it came.
      const params: Record<string, unknown> = requestState === undefined ? {} : { requestState };
      if (Object.keys(requests).length > 0) {
        try {
          params['inputResponses'] = await this.#questions.ask(requests, context);
        } catch (error) {
          if (error instanceof QuestionRefused) return Message.error(id, error.rpcError);
          throw error;
        }
      } else if (requestState === undefined) {
        throw errors.serverAnswerUnusable(this.#context.server, 'it asks for input without saying for what');
      } else {
        const { wait = pause } = this.#context;
        await wait(delay, context.signal);
        delay = Math.min(2 * delay, longestDelay);
      }
      request = stamped(message, this.#envelope, { id: this.#newId(), params });
    }
  }

  /** On the way of a request a modern server has notifications to send, and nothing else. */
  #notificationsTo(context: RequestContext): OnMessage {
    return (message) => {
      if (message.kind === 'notification') return context.onMessage(message);
      this.#context.log.debug('the server has sent what none of the modern era sends', {
        kind: message.kind,
      });
      return undefined;
    };
  }

  /** The host's own ids are numbers, or its own words. */
  #newId(): RequestId {
    this.#requests += 1;
    return `keyhole-${this.#requests}`;
  }
}
