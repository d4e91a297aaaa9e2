import {
  createMcpHandler,
  type AuthInfo,
  type McpServerFactory,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import type { RequestHandler } from 'express';
import { callerOf } from './caller.ts';
import { changesOfAllNodes } from './changes.ts';
import { LegacySessions } from './legacy-sessions/legacy-sessions.ts';
import { maxRequestBodySize } from './limits/body-size.ts';
import type { Log } from './log.ts';
import { exchange, type Respond } from './node-exchange.ts';
import type { Metrics } from './observation/metrics.ts';
import { millisecondsSince } from './observation/observation.ts';
import { statusOf } from './observation/observed-requests.ts';
import { currentRequest } from './observation/request-context.ts';
import type { SharedState } from './shared-state/shared-state.ts';
import { statelessCall } from './stateless-call.ts';

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
  /** Subscriptions of modern clients on this node, each of which takes a connection. */
  readonly maxSubscriptions: number;
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
  const { factory, sharedState, sessionTimeout, maxSessions, maxSubscriptions, log, metrics, signal } =
    options;
  const onerror = (error: Error): void => log.debug({ detail: error.message }, 'MCP request rejected');
  const { messages } = sharedState;
  const changes = changesOfAllNodes({ own: options.changes, messages, log, signal });
  const stateless = createMcpHandler(factory, {
    maxRequestBodySize,
    maxSubscriptions,
    onerror,
    bus: changes,
  });
  const limits = { idle: sessionTimeout, most: maxSessions, mostOfOwner: mostSessionsOfOwner };
  const sessions = new LegacySessions({ factory, sharedState, changes, limits, log });
  metrics.countSessions(async () => sessions.count());
  signal?.addEventListener('abort', () => void Promise.all([stateless.close(), sessions.close()]), {
    once: true,
  });
  const respond: Respond = async (request, parts) =>
    (await sessions.respond(request, parts)) ??
    (await statelessCall(factory, request, parts)) ??
    stateless.fetch(request, parts);
  return async (request, response) => {
    const { auth } = request as { auth?: AuthInfo };
    const context = currentRequest();
    // Not `finish`: a client that goes away has an end as well.
    response.once('close', () => {
      const { method } = request;
      const milliseconds = context && millisecondsSince(context.begin);
      const { cache } = context?.validation ?? {};
      log.info(
        { method, status: statusOf(response), ...callerOf(auth), cache, milliseconds },
        'MCP request answered',
      );
    });
    await exchange(request, response, respond, onerror);
  };
}
