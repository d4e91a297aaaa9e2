import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { EventStreams, type EventStream } from './event-streams.ts';

export type Era = 'legacy' | 'modern';

/** A JSON-RPC request or notification as far as the server looks at it. */
export interface Incoming {
  readonly id?: string | number;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: Readonly<Record<string, unknown>>;
    readonly _meta?: { readonly progressToken?: string | number };
  };
}

/** A request on its way to its answer. */
export interface FaultyExchange {
  readonly server: FaultServer;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly message: Incoming;
  /** Carries the request out, and gives its answer as JSON. */
  readonly carryOut: () => string;
}

/** Something that goes wrong. */
export interface Fault {
  /** What comes in place of an answer. */
  readonly respond: (exchange: FaultyExchange) => void;
  /** What comes after the first event of a stream; absent where that cannot happen to a stream. */
  readonly interrupt?: (exchange: FaultyExchange, stream: EventStream) => void;
}

const versions = { legacy: '2025-11-25', modern: '2026-07-28' } as const;
const serverInfo = { name: 'fault-server', version: '1.0.0' };
const capabilities = { tools: { listChanged: true } };
const tools = [{ name: 'note', inputSchema: { type: 'object' } }];

/**
 * An MCP server that answers well, in one era, until a fault is planned for one of its requests. Its tool `note` has an
 * effect that is counted: `{ key, text?, stream?, hold? }` gives the text back, as a stream of events when that is asked for.
 */
export class FaultServer {
  readonly era: Era;
  /** How often each call was carried out, by its key. */
  readonly effects = new Map<string, number>();
  readonly streams = new EventStreams();
  /** The sessions that are open. */
  readonly sessions = new Set<string>();
  /** How many were ended by DELETE. */
  ended = 0;
  /** How many requests came in, by method. */
  readonly received = new Map<string, number>();
  readonly #planned: { readonly method: string | undefined; readonly fault: Fault; times: number }[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #events = new EventEmitter();
  #server: Server | undefined;
  #port = 0;
  #count = 0;
  /** The session that a request came in last. */
  #latest = '';
  #return: NodeJS.Timeout | undefined;

  private constructor(era: Era) {
    this.era = era;
  }

  static async start(era: Era): Promise<FaultServer> {
    const server = new FaultServer(era);
    await server.#listen();
    return server;
  }

  get url(): string {
    return `http://localhost:${this.#port}/mcp`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** The next request of that method, or the next at all, meets the fault. */
  plan(fault: Fault, method?: string, times = 1): void {
    this.#planned.push({ method, fault, times });
  }

  /** Whether the session in use was not ended. One whose id the proxy never learned nobody can end. */
  get isSessionLeft(): boolean {
    return this.sessions.has(this.#latest);
  }

  /** Waits until a request of that method has come in. */
  async meets(method: string): Promise<void> {
    while (!this.received.has(method)) await once(this.#events, 'request');
  }

  /** Whether every planned fault has come. */
  get isQuiet(): boolean {
    return this.#planned.length === 0;
  }

  /** Cuts every connection and listens no more, until it comes back after some milliseconds, if it does. */
  async vanish(milliseconds?: number): Promise<void> {
    clearTimeout(this.#return);
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await once(server, 'close');
    if (milliseconds === undefined) return;
    this.#return = setTimeout(() => void this.#listen(), milliseconds);
  }

  /** Waits until it listens again. */
  async isBack(): Promise<void> {
    if (this.#server === undefined) await once(this.#events, 'back');
  }

  /** Forgets what a restarted server would not know any more. */
  forget(): void {
    this.sessions.clear();
    this.streams.forget();
  }

  async close(): Promise<void> {
    await this.vanish();
  }

  async #listen(): Promise<void> {
    const server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (!request.destroyed) throw error;
      });
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.#port, 'localhost');
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#events.emit('back');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const session = request.headers['mcp-session-id'];
    const isKnown = typeof session === 'string' && this.sessions.has(session);
    if (isKnown) this.#latest = session;
    if (request.method === 'DELETE') {
      if (isKnown) this.ended += 1;
      this.sessions.delete(String(session));
      response.writeHead(isKnown ? 200 : 404).end();
      return;
    }
    if (request.method === 'GET') {
      if (this.era === 'modern') response.writeHead(405).end();
      else if (!isKnown) refuseSession(response, 404);
      else if (!this.streams.attach(request.headers['last-event-id'], response))
        response.writeHead(404).end();
      return;
    }
    const message = JSON.parse(Buffer.concat(pieces).toString('utf8')) as Incoming;
    this.received.set(message.method, (this.received.get(message.method) ?? 0) + 1);
    this.#events.emit('request');
    if (message.id === undefined) {
      response.writeHead(202).end();
      return;
    }
    const carryOut = (): string => this.#carryOut(message, response);
    const exchange: FaultyExchange = { server: this, request, response, message, carryOut };
    const fault = this.#faultFor(message.method);
    const isStream = message.params?.arguments?.['stream'] === true;
    // A fault of the stream waits for its first event; every other one comes in place of the answer.
    if (fault !== undefined && !(isStream && fault.interrupt !== undefined)) {
      fault.respond(exchange);
      return;
    }
    const opens = message.method === 'initialize' || message.method === 'server/discover';
    // `forget` of a fault that came before makes sessions unknown.
    if (this.era === 'legacy' && !opens && !isKnown) refuseSession(response, 404);
    else if (isStream) this.#stream(exchange, fault);
    else sendJson(response, carryOut());
  }

  #faultFor(method: string): Fault | undefined {
    const planned = this.#planned.find((plan) => plan.method === undefined || plan.method === method);
    if (planned === undefined) return undefined;
    planned.times -= 1;
    if (planned.times === 0) this.#planned.splice(this.#planned.indexOf(planned), 1);
    return planned.fault;
  }

  #stream(exchange: FaultyExchange, fault: Fault | undefined): void {
    const { message, response, carryOut } = exchange;
    const stream = this.streams.open(response, this.era === 'legacy');
    const progressToken = message.params?._meta?.progressToken ?? 'none';
    stream.send({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    if (fault === undefined) stream.finish(carryOut());
    else fault.interrupt?.(exchange, stream);
  }

  #carryOut({ id, method, params }: Incoming, response: ServerResponse): string {
    const answer = (result: object): string =>
      JSON.stringify({
        jsonrpc: '2.0',
        id,
        result: this.era === 'modern' ? { resultType: 'complete', ttlMs: 0, ...result } : result,
      });
    if (method === 'initialize' && this.era === 'legacy') {
      this.#count += 1;
      const session = `session-${this.#count}`;
      this.sessions.add(session);
      if (!response.headersSent) response.setHeader('mcp-session-id', session);
      return answer({ protocolVersion: versions.legacy, capabilities, serverInfo });
    }
    if (method === 'server/discover' && this.era === 'modern') {
      return answer({ supportedVersions: [versions.modern], capabilities, serverInfo });
    }
    if (method === 'tools/list') return answer({ tools });
    if (method === 'ping') return answer({});
    if (method !== 'tools/call') {
      const error = { code: -32_601, message: `Method not found: ${method}` };
      return JSON.stringify({ jsonrpc: '2.0', id, error });
    }
    const { key = '', text = 'noted' } = (params?.arguments ?? {}) as { key?: string; text?: string };
    this.effects.set(key, (this.effects.get(key) ?? 0) + 1);
    return answer({ content: [{ type: 'text', text }] });
  }
}

export function sendJson(response: ServerResponse, json: string | Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(json);
}

/** What servers say of a session that they do not know. */
export function refuseSession(response: ServerResponse, status: 400 | 404): void {
  const message = status === 404 ? 'Session not found' : 'Bad Request: No valid session ID provided';
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code: -32_000, message }, id: null });
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}
