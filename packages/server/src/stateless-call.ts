import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import {
  classifyInboundRequest,
  type AuthInfo,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type McpServerFactory,
  type MessageExtraInfo,
  type ScopeChallengeHandler,
  type Transport,
  type TransportSendOptions,
} from '@modelcontextprotocol/server';
import { keepAlive } from './legacy-sessions/exchange.ts';
import { drained, type DirectAnswer, type RequestParts } from './node-exchange.ts';
import type { WebRequest } from './web-request.ts';

type Product = Awaited<ReturnType<McpServerFactory>>;

const eventStream = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
};

/**
 * Answers what most POSTs of legacy clients without a session are: one request, such as a tool call. The SDK's handler answers
 * it alike, but through two streams and two web responses, and looks at the message six times: a third of all that a call costs.
 *
 * @returns undefined for anything else, and for what is to be refused or fails: the SDK's handler says how
 */
export async function statelessCall(
  factory: McpServerFactory,
  request: WebRequest,
  { authInfo, parsedBody }: RequestParts,
): Promise<DirectAnswer | undefined> {
  if (!isLegacyCall(request, parsedBody)) return undefined;
  const auth = authInfo === undefined ? {} : { authInfo };
  try {
    const product = await factory({ era: 'legacy', ...auth, requestInfo: request });
    const call = new StatelessCall(product, parsedBody, { ...auth, request });
    await product.connect(call);
    if (call.isOfItsVersions(request.header('mcp-protocol-version')) && (await call.isInScope(authInfo))) {
      return call;
    }
    await product.close();
  } catch {
    // So it does there, where it is answered and reported.
  }
  return undefined;
}

/** Whether it is one request, neither of the modern era nor `initialize`. The SDK's handler decides by the same function. */
function isLegacyCall(request: WebRequest, body: unknown): body is JSONRPCRequest {
  const accept = request.header('accept') ?? '';
  if (!accept.includes('application/json') || !accept.includes('text/event-stream')) return false;
  // Of the modern era: no need to look at it twice.
  if (request.header('mcp-method') !== undefined) return false;
  const version = request.header('mcp-protocol-version');
  const outcome = classifyInboundRequest({
    httpMethod: request.method,
    ...(version !== undefined && { protocolVersionHeader: version }),
    body,
  });
  return outcome.kind === 'legacy' && outcome.reason === 'no-claim';
}

/** The connection of a server that lives for one call. */
class StatelessCall implements Transport, DirectAnswer {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  readonly #product: Product;
  readonly #request: JSONRPCRequest;
  readonly #extra: MessageExtraInfo;
  #versions: readonly string[] = [];
  #resolveScopes: ScopeChallengeHandler | undefined;
  #response: ServerResponse | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #isAnswered = false;
  #isClosed = false;

  constructor(product: Product, request: JSONRPCRequest, extra: MessageExtraInfo) {
    this.#product = product;
    this.#request = request;
    this.#extra = extra;
  }

  /** The server tells which revisions of the protocol it has. */
  setSupportedProtocolVersions(versions: string[]): void {
    this.#versions = versions;
  }

  /** The server tells what its tools say about scopes. */
  setScopeChallengeResolver(resolve: ScopeChallengeHandler): void {
    this.#resolveScopes = resolve;
  }

  isOfItsVersions(version: string | undefined): boolean {
    return version === undefined || this.#versions.includes(version);
  }

  async isInScope(authInfo: AuthInfo | undefined): Promise<boolean> {
    const context = { request: this.#request, ...(authInfo !== undefined && { authInfo }) };
    return (await this.#resolveScopes?.(context)) === undefined;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  begin(response: ServerResponse): void {
    this.#response = response;
    // After the answer, and when the client goes before it.
    response.once('close', () => void this.#product.close());
    this.onmessage?.(this.#request, this.#extra);
    setImmediate(() => this.#goOn(response));
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const isAnswer = !('method' in message);
    const related = options?.relatedRequestId ?? (isAnswer ? message.id : undefined);
    const response = this.#response;
    // What is about no request has no stream here, and what comes after the end no reader.
    if (related !== this.#request.id || response === undefined || response.writableEnded) return;
    const event = `event: message\ndata: ${JSON.stringify(message)}\n\n`;
    if (!isAnswer) {
      writeHead(response);
      if (!response.write(event)) await drained(response);
      return;
    }
    this.#isAnswered = true;
    writeHead(response, { 'Content-Length': Buffer.byteLength(event) });
    response.end(event);
  }

  /** The server closes it. */
  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    clearInterval(this.#keepAlive);
    if (this.#response?.writableEnded === false) writeHead(this.#response).end();
    const { stackTraceLimit } = Error;
    // The SDK makes an error for whoever still waits, but after the answer nobody does: its stack is a twentieth of a call.
    if (this.#isAnswered) Error.stackTraceLimit = 0;
    try {
      this.onclose?.();
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
    return Promise.resolve();
  }

  /** Whoever is not answered at once sees that he will be, now and then again: proxies cut connections that say nothing. */
  #goOn(response: ServerResponse): void {
    if (response.writableEnded || response.destroyed) return;
    writeHead(response).flushHeaders();
    this.#keepAlive = setInterval(() => void response.write(': keepalive\n\n'), keepAlive).unref();
  }
}

/** Unless it is written. */
function writeHead(response: ServerResponse, more: OutgoingHttpHeaders = {}): ServerResponse {
  return response.headersSent ? response : response.writeHead(200, { ...eventStream, ...more });
}
