import { randomUUID } from 'node:crypto';
import {
  isInitializeRequest,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResponse,
  isLegacyRequest,
  type AuthInfo,
  type InitializeRequest,
  type JSONRPCMessage,
  type McpServerFactory,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import { callerOf } from '../caller.ts';
import { jsonRpcError } from '../json-rpc-error.ts';
import type { Log } from '../log.ts';
import { SharedStateUnavailable, type SharedState } from '../shared-state/shared-state.ts';
import type { Session, SessionLimits, Sessions } from '../shared-state/sessions.ts';
import type { WebRequest } from '../web-request.ts';
import { askedId } from './asked-requests.ts';
import { EventLog, eventPosition, ownStream } from './event-log.ts';
import { eventStream } from './event-stream.ts';
import { Exchange } from './exchange.ts';
import { Exchanges } from './exchanges.ts';
import { messagesOf } from './messages-of.ts';
import { Subscriptions } from './subscriptions.ts';

/** What {@link LegacySessions} works with. */
export interface LegacySessionsParts {
  readonly factory: McpServerFactory;
  readonly sharedState: SharedState;
  /** What has changed at any node. */
  readonly changes: ServerEventBus;
  readonly limits: SessionLimits;
  readonly log: Log;
}

/** What comes with a request. */
export interface RequestParts {
  readonly authInfo?: AuthInfo | undefined;
  /** The body of a POST. */
  readonly parsedBody?: unknown;
}

/** Bytes of what a client says of itself, at most, for a session to be made of it. */
const mostOfClient = 16 * 1024;

/** Seconds after which a client may try again when Redis could not be asked. */
const retryAfter = '1';

/**
 * Sessions for clients of the legacy era (MCP 2025-11-25, transports, "Session Management"). They are kept in the shared
 * state and nowhere else, so that any node serves any request of any session. A session is never authentication: it only
 * exists for the user, and the client, who began it.
 */
export class LegacySessions {
  readonly #parts: LegacySessionsParts;
  readonly #sessions: Sessions;
  readonly #exchanges: Exchanges;
  readonly #ending = new AbortController();

  constructor(parts: LegacySessionsParts) {
    this.#parts = parts;
    this.#sessions = parts.sharedState.sessions(parts.limits);
    this.#exchanges = new Exchanges(parts.sharedState.messages);
  }

  /** Answers what begins a session or belongs to one. @returns undefined for anything else, which needs none */
  async respond(request: WebRequest, { authInfo, parsedBody }: RequestParts): Promise<Response | undefined> {
    const id = request.header('mcp-session-id');
    if (id === undefined && !begins(parsedBody)) return undefined;
    if (!(await isLegacyRequest(request, parsedBody))) return undefined;
    try {
      if (id === undefined) return await this.#begin(request, parsedBody, authInfo);
      const session = await this.#sessions.find(id);
      if (session?.owner !== ownerOf(authInfo)) {
        return answer(404, -32_001, 'Session not found');
      }
      switch (request.method) {
        case 'GET':
          return await this.#listen(request, session);
        case 'DELETE':
          await this.#sessions.end(session);
          return new Response(null, { status: 200 });
        case 'POST':
          return await this.#take(request, session, parsedBody, authInfo);
        default:
          return answer(405, -32_000, 'Method not allowed.', { Allow: 'GET, POST, DELETE' });
      }
    } catch (error) {
      if (!(error instanceof SharedStateUnavailable)) throw error;
      this.#parts.log.error({ detail: error.message }, 'session not found out');
      const message = 'The session cannot be looked up at the moment. Try again shortly.';
      return answer(503, -32_000, message, { 'Retry-After': retryAfter });
    }
  }

  /** How many there are, over all nodes. @throws SharedStateUnavailable */
  async count(): Promise<number> {
    return this.#sessions.count();
  }

  /** Ends the streams; what is not answered gets an error, which another node passes on. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#exchanges.close();
  }

  /** @returns undefined when no session can be had: the client is served without one, as the protocol permits */
  async #begin(
    request: Request,
    body: unknown,
    authInfo: AuthInfo | undefined,
  ): Promise<Response | undefined> {
    const messages = messagesOf(body);
    if (messages === undefined || !begins(body)) return undefined;
    const { log } = this.#parts;
    if (JSON.stringify(body.params).length > mostOfClient) return undefined;
    const session: Session = { id: randomUUID(), owner: ownerOf(authInfo), client: body.params };
    try {
      if (!(await this.#sessions.begin(session))) {
        log.warn({ ...callerOf(authInfo) }, 'there are too many sessions: a client is served without');
        return undefined;
      }
    } catch (error) {
      if (!(error instanceof SharedStateUnavailable)) throw error;
      log.warn({ detail: error.message }, 'no session can be begun: a client is served without');
      return undefined;
    }
    return this.#exchange(request, session, { authInfo, messages, isFirst: true });
  }

  /** A POST in a session: what is for exchanges under way goes there, whichever node they run on. */
  async #take(
    request: Request,
    session: Session,
    body: unknown,
    authInfo: AuthInfo | undefined,
  ): Promise<Response> {
    const messages = messagesOf(body);
    if (messages === undefined) return answer(400, -32_700, 'Parse error: Invalid JSON-RPC message');
    if (messages.some((message) => begins(message))) {
      return answer(400, -32_600, 'Invalid Request: the session is initialized already');
    }
    const own: JSONRPCMessage[] = [];
    let isHeard = true;
    for (const message of messages) {
      const asked = askedOf(message);
      if (asked !== undefined) isHeard = (await this.#exchanges.deliver(session, asked, message)) && isHeard;
      else if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
        await this.#exchanges.cancel(session, message);
      } else if (!isJSONRPCResponse(message)) own.push(message);
      else isHeard = false;
    }
    if (own.length > 0) {
      return this.#exchange(request, session, { authInfo, messages: own, isBatch: Array.isArray(body) });
    }
    return isHeard
      ? new Response(null, { status: 202 })
      : answer(400, -32_600, 'Nobody waits for this answer any more');
  }

  async #exchange(
    request: Request,
    session: Session,
    options: {
      authInfo: AuthInfo | undefined;
      messages: readonly JSONRPCMessage[];
      isFirst?: boolean;
      isBatch?: boolean;
    },
  ): Promise<Response> {
    const { authInfo, messages, isFirst = false, isBatch = false } = options;
    const { factory } = this.#parts;
    const onerror = (error: Error): void => this.#parts.log.debug({ detail: error.message }, 'in a session');
    const log = new EventLog(this.#sessions, session.id, onerror);
    const subscriptions = new Subscriptions(this.#sessions, session.id);
    const { node } = this.#exchanges;
    const exchange = new Exchange({
      factory,
      session,
      isFirst,
      node,
      log,
      subscriptions,
      onerror,
      authInfo,
    });
    await this.#exchanges.add(exchange);
    const level = messages.map(logLevelIn).find((found) => found !== undefined);
    const response = await exchange.respond(request, messages, isBatch);
    if (level !== undefined && response.ok) await this.#sessions.update(session.id, { logLevel: level });
    return response;
  }

  /** GET: the session's own stream, or what is left of another one. */
  async #listen(request: Request, session: Session): Promise<Response> {
    if (request.headers.get('accept')?.includes('text/event-stream') !== true) {
      return answer(406, -32_000, 'Not Acceptable: Client must accept text/event-stream');
    }
    const lastEventId = request.headers.get('last-event-id');
    const position = lastEventId === null ? undefined : eventPosition(lastEventId);
    const [after] = position === undefined ? [] : await this.#sessions.eventsFrom(session.id, position.id);
    if (
      lastEventId !== null &&
      (after === undefined || after.id !== position?.id || after.stream !== position.stream)
    ) {
      return answer(400, -32_000, 'Events from that one on are no longer kept');
    }
    const stream = position?.stream ?? ownStream;
    const parts = {
      sessions: this.#sessions,
      session,
      stream,
      after,
      changes: this.#parts.changes,
      isAlive: async () => this.#exchanges.isAlive(stream),
      signal: AbortSignal.any([request.signal, this.#ending.signal]),
    };
    return new Response(eventStream(parts), {
      headers: {
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-cache, no-transform',
        'X-Accel-Buffering': 'no',
        'Mcp-Session-Id': session.id,
      },
    });
  }
}

/** Whether it is a good `initialize`. That is looked into only if it says so, since each call comes by here. */
function begins(body: unknown): body is InitializeRequest {
  const isNamedSo =
    typeof body === 'object' && body !== null && 'method' in body && body.method === 'initialize';
  return isNamedSo && isInitializeRequest(body);
}

/** Whose sessions a request may use: its user's, through its client. Without authentication there is one owner. */
function ownerOf(authInfo: AuthInfo | undefined): string {
  const { user = '', clientId = '' } = callerOf(authInfo);
  return JSON.stringify([user, clientId]);
}

/** The exchange that a message is for: one that asked, or that wants to know how its question is getting on. */
function askedOf(message: JSONRPCMessage): ReturnType<typeof askedId> {
  if (isJSONRPCResponse(message)) return askedId(message.id);
  if (isJSONRPCNotification(message) && message.method === 'notifications/progress') {
    return askedId(message.params?.['progressToken']);
  }
  return undefined;
}

function logLevelIn(message: JSONRPCMessage): string | undefined {
  if (!isJSONRPCRequest(message) || message.method !== 'logging/setLevel') return undefined;
  const level = message.params?.['level'];
  return typeof level === 'string' ? level : undefined;
}

function answer(
  status: number,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json(jsonRpcError(code, message), { status, headers });
}
