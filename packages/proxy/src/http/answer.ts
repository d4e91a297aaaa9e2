import { Message, objectOf, UnreadableMessage, type RequestId, type RpcError } from '../bridge/message.ts';
import { errors, type ProxyError } from '../errors.ts';
import { beginningOf, chunksOf, wholeBody } from './body.ts';
import { EventStreamParser } from './event-stream.ts';
import { headerOf, type HttpResponse } from './exchange.ts';

/** Where a stream was when it ended. */
export type StreamPosition = Pick<EventStreamParser, 'lastEventId' | 'retry'>;

/** What a response is read with. */
export interface Reading {
  /** Takes each message in turn; the next is read when it is done with this one. */
  readonly onMessage: (message: Message) => Promise<void> | void;
  /** Takes an event that is no message; whatever it throws ends the reading. */
  readonly onUnreadable: (error: UnreadableMessage) => void;
}

/** Whether the response is a stream of events. */
export function isEventStream(response: HttpResponse): boolean {
  return /^text\/event-stream\s*(?:;|$)/iu.test(headerOf(response, 'content-type') ?? '');
}

/**
 * Reads the messages in a successful response.
 *
 * @param position is kept up to date while a stream is read
 * @returns whether it was a stream
 * @throws ConnectionLost when it ends early; ProxyError `server-answer-unusable`; whatever `onUnreadable` throws
 */
export async function readMessages(
  server: URL,
  response: HttpResponse,
  reading: Reading,
  position: StreamPosition = new EventStreamParser(),
): Promise<void> {
  if (isEventStream(response)) return readStream(response, reading, position);
  const body = await wholeBody(response);
  // 202 for what needs no answer; some say 204, or 200 with nothing in it.
  if (body.length === 0) return;
  const type = headerOf(response, 'content-type') ?? '';
  if (!/^application\/(?:[\w.+-]*\+)?json\s*(?:;|$)/iu.test(type)) {
    throw errors.serverAnswerUnusable(server, `its content type is ${type === '' ? 'not given' : type}`);
  }
  for (const message of parsed(server, body)) await reading.onMessage(message);
}

/** Every message of a stream, in turn, until it ends. */
async function readStream(response: HttpResponse, reading: Reading, position: StreamPosition): Promise<void> {
  const parser = new EventStreamParser();
  for await (const chunk of chunksOf(response)) {
    for (const { type, data } of parser.feed(chunk)) {
      if (type !== 'message' || data.length === 0) continue;
      try {
        for (const message of Message.parse(data)) await reading.onMessage(message);
      } catch (error) {
        if (!(error instanceof UnreadableMessage)) throw error;
        reading.onUnreadable(error);
      }
    }
    position.lastEventId = parser.lastEventId ?? position.lastEventId;
    position.retry = parser.retry ?? position.retry;
  }
}

/** A response that is no success, read. */
export interface Refusal {
  readonly status: number;
  /** The beginning of its body. */
  readonly text: string;
}

/** What a response refuses; undefined when it is a success, which is then unread. */
export async function refusalOf(response: HttpResponse): Promise<Refusal | undefined> {
  const { status } = response;
  return status >= 200 && status < 300 ? undefined : { status, text: await beginningOf(response) };
}

/**
 * The answer in a refusal: the server's own JSON-RPC error where there is one, with our id or without any.
 *
 * @throws ProxyError that says what came, where there is none
 */
export function errorAnswer(server: URL, refusal: Refusal, id: RequestId): Message {
  const error = rpcErrorIn(refusal, id);
  if (error === undefined) throw refusalError(server, refusal);
  return Message.of({ id, error });
}

/** A refusal as an error of ours. */
export function refusalError(server: URL, { status, text }: Refusal): ProxyError {
  if (status >= 300 && status < 400) return errors.serverRedirected(server);
  return errors.serverError(server, status, text);
}

/** The JSON-RPC error that a refusal holds, if it is about this request or about none. */
export function rpcErrorIn({ text }: Refusal, id: RequestId): RpcError | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // A page, or nothing: the status says what there is to say.
    return undefined;
  }
  const { id: given = null, error } = objectOf(json);
  const { code, message } = objectOf(error);
  if ((given !== null && given !== id) || typeof code !== 'number' || typeof message !== 'string')
    return undefined;
  return error as RpcError;
}

function parsed(server: URL, body: Buffer): readonly Message[] {
  try {
    return Message.parse(body);
  } catch (error) {
    if (error instanceof UnreadableMessage) throw errors.serverAnswerUnusable(server, error.message, error);
    throw error;
  }
}
