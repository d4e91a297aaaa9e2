import { Cancellation } from '../cancellation.ts';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { unlessAborted } from '../deadline.ts';
import { inputRequest, isInputResponse, whyNotAsked } from './host-question.ts';
import { isHeard } from './log-level.ts';
import { Message, objectOf, type JsonObject, type RequestId } from './message.ts';
import { clientCapabilitiesKey, inLegacyTerms, logLevelKey } from './modern-terms.ts';
import { HostCancelled, type OnMessage, type RequestContext, type ServerSide } from './server-side.ts';

/** Questions that come within so many milliseconds of the first one go out together with it. */
const gatheredWithin = 20;
/** How long the host may take to come back with the answers: a person may have to think about them. */
const answeredWithin = 600_000;

/** Requests that a modern server may answer with questions (MCP 2026-07-28, multi round-trip requests). */
const mayAsk = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** What the host gets: the server's answer, or the result that asks it for input. */
export type Step =
  | { readonly kind: 'answer'; readonly answer: Message }
  | { readonly kind: 'input_required'; readonly result: JsonObject };

/** What an {@link Errand} works with. */
export interface ErrandContext {
  readonly server: ServerSide;
  /** Takes what the server sends while it works on this. */
  readonly onMessage: OnMessage;
  readonly log: Log;
  /** Called once, when nothing is to be expected any more. */
  readonly onEnd: () => void;
}

/** A question of the server that the host has yet to answer. */
interface Question {
  readonly id: RequestId;
  readonly request: JsonObject;
}

/**
 * A request at a legacy server. It is one there from beginning to end, and several at the host's: each time the server asks
 * for input, the host's request is answered with the questions, and the host comes back with another one.
 */
export class Errand {
  readonly method: string;
  /** What the host comes back with; undefined while a request of it waits here. */
  handle: string | undefined;
  readonly #id: RequestId;
  readonly #context: ErrandContext;
  readonly #exchange = new Cancellation();
  readonly #questions = new Map<string, Question>();
  /** The name under which the server reports progress: that of the host's first request. */
  readonly #progressToken: unknown;
  /** What the host's latest request says of itself. */
  #meta: JsonObject;
  #answer: Promise<Message> | undefined;
  /** Takes what is for the host, while a request of it waits. */
  #toHost: OnMessage | undefined;
  #onQuestion = (): void => undefined;
  #count = 0;
  #patience: NodeJS.Timeout | undefined;
  #isOver = false;

  /**
   * @param meta of the host's first request
   * @param id of the request at the server
   */
  constructor(method: string, meta: JsonObject, id: RequestId, context: ErrandContext) {
    this.method = method;
    this.#meta = meta;
    this.#progressToken = meta['progressToken'];
    this.#id = id;
    this.#context = context;
  }

  get logLevel(): unknown {
    return this.#meta[logLevelKey];
  }

  /** Whether the server may ask the host for input with this. */
  get mayAsk(): boolean {
    return mayAsk.has(this.method) && !this.#isOver;
  }

  /**
   * Carries a request of the host: the first one sends it to the server, later ones bring what the server has asked for.
   *
   * @throws ProxyError; the signal's reason
   */
  async carry(message: Message, context: RequestContext): Promise<Step> {
    clearTimeout(this.#patience);
    const { signal } = context;
    const { params } = message;
    this.handle = undefined;
    this.#meta = objectOf(params['_meta']);
    this.#toHost = (each) => context.onMessage(each);
    const cancel = (): void => {
      this.end(signal.reason);
    };
    signal.addEventListener('abort', cancel);
    try {
      signal.throwIfAborted();
      if (this.#answer === undefined) this.#answer = this.#send(message);
      else await unlessAborted(this.#bring(objectOf(params['inputResponses'])), this.#exchange.signal);
      const next = Promise.race([this.#answer, this.#asked()]);
      const answer = await unlessAborted(next, this.#exchange.signal);
      if (answer === undefined) return { kind: 'input_required', result: this.#inputRequired() };
      this.#finish();
      return { kind: 'answer', answer };
    } catch (error) {
      this.end(error);
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#toHost = undefined;
    }
  }

  /** Takes a question of the server. It goes to the host with the answer to its request, or is refused at once. */
  ask(question: Message): void {
    const { id = '' } = question;
    const refusal = whyNotAsked(question, objectOf(this.#meta[clientCapabilitiesKey]));
    if (refusal !== undefined) {
      this.#tell(Message.error(id, refusal));
      return;
    }
    this.#count += 1;
    this.#questions.set(`input-${this.#count}`, { id, request: inputRequest(question) });
    this.#onQuestion();
  }

  /** The server does not want to know any more. */
  withdraw(id: unknown): void {
    for (const [key, question] of this.#questions) {
      if (question.id === id) this.#questions.delete(key);
    }
  }

  /** Whether the server means this one when it reports progress. */
  isNamed(progressToken: unknown): boolean {
    return progressToken !== undefined && progressToken === this.#progressToken;
  }

  /** Passes progress on, by the name that the host's latest request has given it. */
  progress(message: Message): ReturnType<OnMessage> {
    const { progressToken } = this.#meta;
    if (this.#toHost === undefined || progressToken === undefined) return undefined;
    if (progressToken === this.#progressToken) return this.#toHost(message);
    return this.#toHost(Message.of({ ...message.json, params: { ...message.params, progressToken } }));
  }

  /** Whether the host wants to hear log messages of this level. */
  hears(level: unknown): boolean {
    return this.#toHost !== undefined && isHeard(level, this.logLevel);
  }

  /** Passes on what needs no change; dropped while no request of the host waits. */
  pass(message: Message): ReturnType<OnMessage> {
    return this.#toHost?.(message);
  }

  /** Ends the work at the server; the host's request, if one waits, fails with the reason. */
  end(reason: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    this.#exchange.abort(
      reason instanceof HostCancelled ? this.#cancelled(reason.notification) : (reason as Error),
    );
    for (const { id } of this.#questions.values()) {
      this.#tell(Message.error(id, { code: -32_000, message: 'The host has not answered' }));
    }
  }

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#patience);
    this.#context.onEnd();
  }

  #send(message: Message): Promise<Message> {
    const { server, onMessage } = this.#context;
    const answer = server.request(inLegacyTerms(message, this.#id), {
      signal: this.#exchange.signal,
      onMessage,
    });
    // It may fail while the host is asked, and then nobody waits for it.
    answer.catch(() => undefined);
    return answer;
  }

  /** Brings the host's answers to the server. What is missing stays, to be asked again. */
  async #bring(responses: JsonObject): Promise<void> {
    for (const [key, { id }] of [...this.#questions]) {
      const response = responses[key];
      if (!isInputResponse(response)) continue;
      this.#questions.delete(key);
      await this.#context.server.notify(Message.result(id, response));
    }
  }

  /** Resolves when there are questions to be asked. */
  async #asked(): Promise<undefined> {
    do {
      if (this.#questions.size === 0) {
        await new Promise<void>((resolve) => {
          this.#onQuestion = resolve;
        });
      }
      await delay(gatheredWithin);
    } while (this.#questions.size === 0);
  }

  #inputRequired(): JsonObject {
    this.handle = randomUUID();
    this.#patience = setTimeout(() => {
      this.#context.log.debug('the host has not come back with what it was asked for', {
        method: this.method,
      });
      const words = { requestId: this.#id, reason: 'The host has not come back with the answers' };
      this.end(new HostCancelled(Message.notification('notifications/cancelled', words)));
    }, answeredWithin);
    const questions = [...this.#questions].map(([key, { request }]) => [key, request] as const);
    return {
      resultType: 'input_required',
      inputRequests: Object.fromEntries(questions),
      requestState: this.handle,
    };
  }

  /** The host's cancellation, of the request as the server knows it. */
  #cancelled(notification: Message): HostCancelled {
    const params = { ...notification.params, requestId: this.#id };
    return new HostCancelled(inLegacyTerms(Message.of({ ...notification.json, params })));
  }

  #tell(message: Message): void {
    this.#context.server.notify(message).catch((error: unknown) => {
      this.#context.log.debug('the server could not be told', { error: messageOf(error) });
    });
  }
}
