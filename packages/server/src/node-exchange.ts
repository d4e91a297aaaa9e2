import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonContentType, type AuthInfo } from '@modelcontextprotocol/server';
import { jsonRpcError } from './json-rpc-error.ts';
import { maxRequestBodySize } from './limits/body-size.ts';

/** What comes with a request besides itself. */
export interface RequestParts {
  readonly authInfo?: AuthInfo;
  /** The body of a POST with JSON, which the request itself no longer has. */
  readonly parsedBody?: unknown;
}

/** Answers a web-standard request, as the SDK's handlers do. */
export type Respond = (request: Request, parts: RequestParts) => Promise<Response>;

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
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const answer = await answerTo(request, respond, gone.signal).catch((error: unknown) => {
    onerror(error instanceof Error ? error : new Error(String(error)));
    return Response.json(jsonRpcError(-32_603, 'Internal server error'), { status: 500 });
  });
  await send(answer, response, gone.signal);
}

async function answerTo(
  request: IncomingMessage & { auth?: AuthInfo },
  respond: Respond,
  signal: AbortSignal,
): Promise<Response> {
  const { auth: authInfo, headers, method = 'GET' } = request;
  const parts = authInfo === undefined ? {} : { authInfo };
  if (method !== 'POST') return respond(webRequest(request, method, signal), parts);
  const body = await bodyOf(request);
  if (body === undefined) {
    const message = `The body is larger than ${maxRequestBodySize} bytes`;
    return Response.json(jsonRpcError(-32_000, message), { status: 413, headers: { Connection: 'close' } });
  }
  const forwarded = webRequest(request, method, signal);
  if (!isJsonContentType(headers['content-type'])) return respond(forwarded, parts);
  let parsedBody: unknown;
  try {
    parsedBody = JSON.parse(decoder.decode(body));
  } catch {
    return Response.json(jsonRpcError(-32_700, 'Parse error: Invalid JSON'), { status: 400 });
  }
  return respond(forwarded, { ...parts, parsedBody });
}

/** The request without its body. */
function webRequest({ headers, url = '/' }: IncomingMessage, method: string, signal: AbortSignal): Request {
  const list: [string, string][] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === 'string') list.push([name, value]);
    else for (const one of value ?? []) list.push([name, one]);
  }
  return new Request(`http://${headers.host ?? 'localhost'}${url}`, { method, headers: list, signal });
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

async function send(answer: Response, response: ServerResponse, gone: AbortSignal): Promise<void> {
  const headers: Record<string, string> = {};
  for (const [name, value] of answer.headers) headers[name] = value;
  response.writeHead(answer.status, headers);
  if (answer.body === null) {
    response.end();
    return;
  }
  const reader = answer.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  gone.addEventListener('abort', cancel, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!response.write(value)) await drained(response, gone);
    }
  } catch {
    // A stream that breaks off has nobody left to tell: its end says so.
  }
  response.end();
}

/** Until the client has taken what was written, or has gone. */
async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  if (gone.aborted) return;
  await new Promise<void>((resolve) => {
    response.once('drain', resolve);
    gone.addEventListener('abort', () => resolve(), { once: true });
  });
}
