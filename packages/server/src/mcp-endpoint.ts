import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  isJsonContentType,
  type AuthInfo,
  type McpHttpHandler,
  type McpServerFactory,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import type { RequestHandler } from 'express';
import { changesOfAllNodes } from './changes.ts';
import { jsonRpcError } from './json-rpc-error.ts';
import { LegacySessions } from './legacy-sessions/legacy-sessions.ts';
import { maxRequestBodySize } from './limits/body-size.ts';
import type { Log } from './log.ts';
import type { Metrics } from './observation/metrics.ts';
import type { SharedState } from './shared-state/shared-state.ts';

/** Sessions of one user through one client, at most: his longest idle one ends for another. */
const mostSessionsOfOwner = 32;

/** What {@link mcpEndpoint} works with. */
export interface McpEndpoint {
  readonly factory: McpServerFactory;
  /** Where the servers that it makes say what has changed. */
  readonly changes: ServerEventBus | undefined;
  readonly sharedState: SharedState;
  /** Milliseconds that a legacy session outlasts its last use. */
  readonly sessionTimeout: number;
  readonly maxSessions: number;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Ends open streams. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Both eras of the protocol on one endpoint. Legacy clients that begin a session get one; whoever calls without, of either
 * era, is served without.
 */
export function mcpEndpoint(options: McpEndpoint): RequestHandler {
  const { factory, sharedState, sessionTimeout, maxSessions, log, metrics, signal } = options;
  const onerror = (error: Error): void => log.debug({ detail: error.message }, 'MCP request rejected');
  const { messages } = sharedState;
  const changes = changesOfAllNodes({ own: options.changes, messages, log, signal });
  const stateless = createMcpHandler(factory, { maxRequestBodySize, onerror, bus: changes });
  const limits = { idle: sessionTimeout, most: maxSessions, mostOfOwner: mostSessionsOfOwner };
  const sessions = new LegacySessions({ factory, sharedState, changes, limits, log });
  metrics.countSessions(async () => sessions.count());
  signal?.addEventListener('abort', () => void Promise.all([stateless.close(), sessions.close()]), {
    once: true,
  });
  const respond = toNodeHandler(
    { fetch: withSessions(sessions, stateless) },
    { maxRequestBodySize, onerror },
  );
  return async (request, response) => {
    const { auth } = request as { auth?: AuthInfo };
    response.once('finish', () => {
      log.info(
        { method: request.method, status: response.statusCode, clientId: auth?.clientId },
        'MCP request answered',
      );
    });
    await respond(request, response);
  };
}

function withSessions(sessions: LegacySessions, stateless: McpHttpHandler): McpHttpHandler['fetch'] {
  return async (request, options) => {
    let parsedBody: unknown;
    if (request.method === 'POST' && isJsonContentType(request.headers.get('content-type'))) {
      try {
        parsedBody = JSON.parse(await request.text());
      } catch {
        return Response.json(jsonRpcError(-32_700, 'Parse error: Invalid JSON'), { status: 400 });
      }
    }
    const parts = { ...options, ...(parsedBody !== undefined && { parsedBody }) };
    return (await sessions.respond(request, parts)) ?? stateless.fetch(request, parts);
  };
}
