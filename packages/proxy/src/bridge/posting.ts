import type { Signal } from '../cancellation.ts';
import { setImmediate as immediate } from 'node:timers/promises';
import type { Log } from '@mcp-keyhole/cli-kit';
import { errors } from '../errors.ts';
import { readMessages, refusalOf, type Refusal, type StreamPosition } from '../http/answer.ts';
import type { Endpoint } from '../http/endpoint.ts';
import type { HttpResponse } from '../http/exchange.ts';
import { ConnectionLost } from '../http/failures.ts';
import type { Message, RequestId } from './message.ts';
import type { OnMessage } from './server-side.ts';

/** What came of sending a request. */
export type Outcome =
  | { readonly kind: 'answer'; readonly answer: Message }
  /** A status that is no success. */
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The connection, the stream or the body ended without the answer. */
  | { readonly kind: 'lost'; readonly position: StreamPosition };

/** A request on its way. */
export interface Posting {
  readonly message: Message;
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the exchange. */
  readonly signal: Signal;
  /** Takes what else the response holds, answers to other requests included. */
  readonly onMessage: OnMessage;
}

/** Where a stream is before its first event. */
export function newPosition(): StreamPosition {
  return { lastEventId: undefined, retry: undefined };
}

const accepted = 'application/json, text/event-stream';

/** The headers of a POST, those of its era apart. */
export function postHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return { 'content-type': 'application/json', accept: accepted, ...headers };
}

/**
 * Posts a request and reads on until its answer.
 *
 * @throws ProxyError; the signal's reason
 */
export async function post(endpoint: Endpoint, posting: Posting, id: RequestId, log: Log): Promise<Outcome> {
  const { message, signal, onMessage } = posting;
  const position = newPosition();
  let response: HttpResponse;
  try {
    response = await endpoint.send({
      method: 'POST',
      headers: postHeaders(posting.headers),
      body: message.bytes,
      signal,
    });
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
    log.debug('before the answer the connection ended', { error: error.message });
    return { kind: 'lost', position };
  }
  const refusal = await refusalOf(response);
  if (refusal !== undefined) return { kind: 'refused', refusal };
  const answer = await readAnswer(endpoint.url, response, { id, onMessage, position, log });
  return answer === undefined ? { kind: 'lost', position } : { kind: 'answer', answer };
}

/**
 * Reads a response until the answer to a request is there; what comes after it is read too, in the background.
 *
 * @returns undefined when the response ended without it
 */
export async function readAnswer(
  server: URL,
  response: HttpResponse,
  options: { id: RequestId; onMessage: OnMessage; position: StreamPosition; log: Log },
): Promise<Message | undefined> {
  const { id, onMessage, position, log } = options;
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const reading = readMessages(
      server,
      response,
      {
        onMessage: (message) => {
          // What follows in the same chunk does not overtake the answer on its way to the host.
          if (isAnswered) return immediate().then(() => onMessage(message));
          if (message.kind !== 'response' || message.id !== id) return onMessage(message);
          isAnswered = true;
          resolve(message);
          return undefined;
        },
        onUnreadable: (error) => {
          throw errors.serverAnswerUnusable(server, error.message, error);
        },
      },
      position,
    );
    reading
      .catch((error: unknown) => {
        if (isAnswered) log.debug('after the answer the stream ended early', { error: String(error) });
        else if (error instanceof ConnectionLost)
          log.debug('the answer ended early', { error: error.message });
        else throw error;
      })
      .then(() => {
        resolve(undefined);
      }, reject);
  });
}
