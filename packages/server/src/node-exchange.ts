import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonContentType, type AuthInfo } from '@modelcontextprotocol/server';
import { jsonRpcError } from './json-rpc-error.ts';
import { maxRequestBodySize } from './limits/body-size.ts';
import { webRequest, type WebRequest } from './web-request.ts';

/** What comes with a request besides itself. */
export interface RequestParts {
  readonly authInfo?: AuthInfo;
  /** The body of a POST with JSON, which the request itself no longer has. */
  readonly parsedBody?: unknown;
}

/** An answer that is no web-standard one, because it writes itself. */
export interface DirectAnswer {
  /** Begins to answer; the end comes by itself. */
  readonly begin: (response: ServerResponse) => void;
}

/** Answers a web-standard request, as the SDK's handlers do. */
export type Respond = (request: WebRequest, parts: RequestParts) => Promise<Response | DirectAnswer>;

const decoder = new TextDecoder();

/**
 * Serves a request of Node's by a handler of web-standard ones. The SDK's `toNodeHandler` does as much, but gives the request a
 * body, which has to be read out of it again: a tenth of what a tool call costs.
 *
 * @param request with the AuthInfo, if any, in `auth`
 * @param onerror hears of what the handler throws, which is answered with 500
 */
export async function exchange(
  request: IncomingMessage & { auth?: AuthInfo },
  response: ServerResponse,
  respond: Respond,
  onerror: (error: Error) => void,
): Promise<void> {
  const forwarded = webRequest(request);
  response.once('close', () => {
    if (!response.writableFinished) forwarded.abort();
  });
  const answer = await answerTo(request, forwarded, respond).catch((error: unknown) => {
    onerror(error instanceof Error ? error : new Error(String(error)));
    return Response.json(jsonRpcError(-32_603, 'Internal server error'), { status: 500 });
  });
  if ('begin' in answer) answer.begin(response);
  else await send(answer, response);
}

async function answerTo(
  request: IncomingMessage & { auth?: AuthInfo },
  forwarded: WebRequest,
  respond: Respond,
): Promise<Response | DirectAnswer> {
  const { auth: authInfo } = request;
  const parts = authInfo === undefined ? {} : { authInfo };
  if (request.method !== 'POST') return respond(forwarded, parts);
  const body = await bodyOf(request);
  if (body === undefined) {
    const message = `The body is larger than ${maxRequestBodySize} bytes`;
    return Response.json(jsonRpcError(-32_000, message), { status: 413, headers: { Connection: 'close' } });
  }
  if (!isJsonContentType(request.headers['content-type'])) return respond(forwarded, parts);
  let parsedBody: unknown;
  try {
    parsedBody = JSON.parse(decoder.decode(body));
  } catch {
    return Response.json(jsonRpcError(-32_700, 'Parse error: Invalid JSON'), { status: 400 });
  }
  return respond(forwarded, { ...parts, parsedBody });
}

/** @returns undefined when it is too large */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > maxRequestBodySize) {
        request.pause();
        resolve(undefined);
      } else chunks.push(chunk);
    });
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.once('error', reject);
  });
}

async function send(answer: Response, response: ServerResponse): Promise<void> {
  const headers: Record<string, string> = {};
  for (const [name, value] of answer.headers) {
    // A server that is about to end has said `close` already, where the SDK says `keep-alive`.
    if (name !== 'connection' || !response.hasHeader(name)) headers[name] = value;
  }
  response.writeHead(answer.status, headers);
  if (answer.body === null) {
    response.end();
    return;
  }
  const reader = answer.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  response.once('close', () => void reader.cancel().catch(() => undefined));
  // What is there already leaves in one packet: of most answers all, with its head and its end.
  response.cork();
  setImmediate(() => response.uncork());
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!response.write(value)) await drained(response);
    }
  } catch {
    // A stream that breaks off has nobody left to tell: its end says so.
  }
  response.end();
}

/** Until the client has taken what was written, or has gone. */
export async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      response.off('drain', end).off('close', end);
      resolve();
    };
    response.on('drain', end).on('close', end);
  });
}
