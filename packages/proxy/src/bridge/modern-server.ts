import { Cancellation } from '../cancellation.ts';
import { cleanLine, type Log } from '@mcp-keyhole/cli-kit';
import { errors } from '../errors.ts';
import { errorAnswer, refusalError, refusalOf, rpcErrorIn } from '../http/answer.ts';
import { discard } from '../http/body.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { withLinkedSignal } from '../linked-signal.ts';
import { Message, objectOf } from './message.ts';
import { post, postHeaders } from './posting.ts';
import { isGatewayFailure, mayRepeat } from './repetition.ts';
import type { RequestContext, ServerSide } from './server-side.ts';
import { headerValue, ToolCatalogue } from './tool-headers.ts';

/** The key under which a modern message names its protocol version. */
export const protocolVersionKey = 'io.modelcontextprotocol/protocolVersion';
/** A header that does not say what the body says (MCP 2026-07-28, "Server Validation"). */
const headerMismatch = -32_020;

/** Which parameter is also told in the `Mcp-Name` header. */
const namedBy: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/**
 * A server of the modern era (MCP 2026-07-28), seen by a modern host: bodies pass untouched, the headers are made from
 * them. There is no session: each request stands for itself, and closing its exchange is its cancellation.
 */
export class ModernServer implements ServerSide {
  readonly #endpoint: Endpoint;
  readonly #log: Log;
  readonly #tools = new ToolCatalogue();
  readonly #end = new Cancellation();
  #lists = 0;

  constructor(endpoint: Endpoint, log: Log) {
    this.#endpoint = endpoint;
    this.#log = log;
  }

  async request(message: Message, context: RequestContext): Promise<Message> {
    const answer = await withLinkedSignal([context.signal, this.#end.signal], (signal) =>
      this.#carry(message, { ...context, signal }),
    );
    return completed(message.method === 'tools/list' ? this.#learn(answer) : answer);
  }

  async notify(message: Message): Promise<void> {
    const headers = postHeaders(headersOf(message));
    const request = { method: 'POST' as const, headers, body: message.bytes, signal: this.#end.signal };
    const response = await this.#endpoint.send(request);
    const refusal = await refusalOf(response);
    if (refusal !== undefined) throw refusalError(this.#endpoint.url, refusal);
    discard(response);
  }

  close(): Promise<void> {
    this.#end.abort(errors.shuttingDown());
    return Promise.resolve();
  }

  async #carry(message: Message, context: RequestContext): Promise<Message> {
    const id = message.id ?? '';
    const { url } = this.#endpoint;
    let hasLearned = false;
    let isRepeated = false;
    for (;;) {
      const posting = {
        ...context,
        message,
        headers: { ...headersOf(message), ...this.#paramHeaders(message) },
      };
      const outcome = await post(this.#endpoint, posting, id, this.#log);
      if (outcome.kind === 'answer') return outcome.answer;
      if (outcome.kind === 'refused') {
        const { refusal } = outcome;
        const isMismatch = rpcErrorIn(refusal, id)?.code === headerMismatch;
        if (isMismatch && !hasLearned && message.method === 'tools/call') {
          // The server wants headers for arguments of a tool that has not been listed here.
          hasLearned = true;
          await this.#learnTools(message, context);
          continue;
        }
        if (!isGatewayFailure(refusal) || isRepeated || !mayRepeat(message.method)) {
          return errorAnswer(url, refusal, id);
        }
      } else if (isRepeated || !mayRepeat(message.method)) throw errors.answerLost(url);
      isRepeated = true;
      this.#log.debug('a request without effects is repeated', { method: message.method ?? '' });
    }
  }

  #paramHeaders(message: Message): Record<string, string> {
    if (message.method !== 'tools/call') return {};
    const { name, arguments: args } = message.params;
    return typeof name === 'string' ? this.#tools.headersFor(name, args) : {};
  }

  async #learnTools(call: Message, context: RequestContext): Promise<void> {
    for (let cursor: unknown, isFirst = true; isFirst || typeof cursor === 'string'; isFirst = false) {
      this.#lists += 1;
      const page = typeof cursor === 'string' ? { cursor } : {};
      const list = Message.request(`keyhole-tools-${this.#lists}`, 'tools/list', {
        ...page,
        _meta: call.meta,
      });
      const answer = await this.#carry(list, context);
      this.#learn(answer);
      cursor = answer.result?.['nextCursor'];
    }
  }

  /** Takes the tools out whose header annotations are invalid (MCP 2026-07-28, "Custom Headers from Tool Parameters"). */
  #learn(answer: Message): Message {
    const { result } = answer;
    if (result === undefined) return answer;
    const { result: valid, dropped } = this.#tools.learn(result);
    for (const { name, reason } of dropped) {
      this.#log.warn(
        `the tool ${cleanLine(name)} is left out: its header annotations are invalid (${cleanLine(reason)})`,
      );
    }
    return valid === result ? answer : Message.of({ ...answer.json, result: valid });
  }
}

/** A result without type is a complete one to a client; to a host it has to say so (MCP 2026-07-28, schema, `Result`). */
function completed(answer: Message): Message {
  const { result } = answer.outline;
  if (result === undefined || objectOf(result)['resultType'] !== undefined) return answer;
  return Message.of({ ...answer.json, result: { ...answer.result, resultType: 'complete' } });
}

/** What the headers have to say of a message's body. */
function headersOf(message: Message): Record<string, string> {
  const { method = '', params } = message;
  const version = message.meta[protocolVersionKey];
  const name = params[namedBy[method] ?? ''];
  return {
    ...(typeof version === 'string' ? { 'mcp-protocol-version': version } : {}),
    ...(method === '' ? {} : { 'mcp-method': method }),
    ...(typeof name === 'string' ? { 'mcp-name': headerValue(name) } : {}),
  };
}
