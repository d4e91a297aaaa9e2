import { hostHeaderValidation, originValidation } from '@modelcontextprotocol/express';
import {
  localhostAllowedHostnames,
  type McpServerFactory,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import { messageOf } from '@mcp-keyhole/cli-kit';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { resourceOf, type ServerConfig } from './config.ts';
import { connectFusionAuth, type FusionAuth } from './fusionauth.ts';
import { sharedGreetings } from './greetings.ts';
import { jsonRpcError } from './json-rpc-error.ts';
import { declaredBodySize } from './limits/body-size.ts';
import { crossOrigin } from './limits/cross-origin.ts';
import { rateLimits } from './limits/rate-limits.ts';
import { securityHeaders } from './limits/security-headers.ts';
import { createLog, type Log } from './log.ts';
import { mcpEndpoint } from './mcp-endpoint.ts';
import { mcpServerFactory } from './mcp-server.ts';
import { observationOf, type Observation } from './observation/observation.ts';
import { observedRequests } from './observation/observed-requests.ts';
import { observedServers } from './observation/observed-server.ts';
import { readiness } from './observation/readiness.ts';
import { withoutPathPrefix } from './path-prefix.ts';
import { protect } from './protect.ts';
import { createMemorySharedState } from './shared-state/memory-shared-state.ts';
import type { SharedState } from './shared-state/shared-state.ts';
import type { NameOf } from './tools/get-name.ts';
import type { RememberingVerifier } from './token-verifier/cached-token-verifier.ts';
import { createTokenVerifier } from './token-verifier/token-verifier.ts';
import { nameOfUser } from './userinfo.ts';
import { webhooks } from './webhooks/webhooks.ts';

/** What an app is made of besides its configuration; each has a default. */
export interface AppParts {
  /** Makes the MCP server that answers a request. Default: one with the tools `get_name`, `set_greeting`, `countdown`. */
  readonly createMcpServer?: McpServerFactory | undefined;
  /**
   * Where these servers say that a list or a resource has changed; clients that listen hear of it at every node. Default: nothing
   * changes.
   */
  readonly changes?: ServerEventBus | undefined;
  /** Default: what the configuration names, with a cache. */
  readonly verifier?: RememberingVerifier | undefined;
  /** Default: the FusionAuth that the configuration names. */
  readonly fusionAuth?: FusionAuth | undefined;
  /** Default: JSON lines on stdout. */
  readonly log?: Log | undefined;
  /** Default: metrics that nobody reads, no traces. */
  readonly observation?: Observation | undefined;
  /** Limits and revocations. Default: in memory, for a server that is one node. */
  readonly sharedState?: SharedState | undefined;
  /** When it is aborted, the server says that it wants no further requests, and goes on answering. */
  readonly draining?: AbortSignal | undefined;
  /** Ends open streams when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** The express app, not listening: health, protected resource metadata, and `/mcp` behind bearer authentication. */
export function createApp(config: ServerConfig, parts: AppParts = {}): Express {
  const log = parts.log ?? createLog();
  const observation = parts.observation ?? observationOf(log);
  const fusionAuth = parts.fusionAuth ?? connectFusionAuth(config.fusionAuthUrl, { observation });
  const sharedState = parts.sharedState ?? createMemorySharedState();
  const publicUrl = new URL(config.mcpServerUrl);
  const allowedHosts = [...localhostAllowedHostnames(), publicUrl.hostname];
  const allowedOrigins = [...allowedHosts, ...config.corsOrigins.map((origin) => new URL(origin).hostname)];
  const isDraining = (): boolean => parts.draining?.aborted === true;
  const app = express().disable('x-powered-by').set('trust proxy', config.trustProxy);

  app.use(
    withoutPathPrefix(config.mcpServerUrl),
    observedRequests(observation),
    securityHeaders({ https: publicUrl.protocol === 'https:', proxyIsTrusted: config.trustProxy !== 0 }),
    (_request, response, next) => {
      // So that a load balancer's connections do not keep a server that is about to end.
      if (isDraining()) response.set('Connection', 'close');
      next();
    },
  );

  // Before the Host check: probes come by address.
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get(
    '/readyz',
    readiness({ fusionAuth: config.authentication ? fusionAuth : undefined, sharedState, isDraining }),
  );
  if (config.webhookPath !== undefined) {
    // Before the Host check: FusionAuth may know this server by a name inside. What counts is its signature.
    const { webhookSecret: secret, clockTolerance } = config;
    app.use(config.webhookPath, webhooks({ secret, fusionAuth, sharedState, observation, clockTolerance }));
  }
  // DNS rebinding: a page's own host name may be led to this address, but then Host and Origin still carry that name.
  app.use(hostHeaderValidation(allowedHosts), originValidation(allowedOrigins));
  app.use(crossOrigin(config.corsOrigins), declaredBodySize);
  if (config.authentication) {
    const resource = resourceOf(config);
    const { issuer, requiredScopes, scopesSupported, initialScopes } = config;
    const verifier =
      parts.verifier ??
      createTokenVerifier(
        config.validation,
        fusionAuth,
        { issuer, resource, clockTolerance: config.clockTolerance },
        config.tokenCache * 1_000,
      );
    const scopes = { requiredScopes, scopesSupported, initialScopes };
    const name = 'FusionAuth MCP Server';
    const path = '/mcp';
    const { dpop: mode, dpopNonceSecret: nonceSecret, clockTolerance } = config;
    const dpop = { mode, nonceSecret, clockTolerance };
    app.use(
      protect({
        resource,
        issuer,
        name,
        path,
        ...scopes,
        verifier,
        fusionAuth,
        sharedState,
        observation,
        dpop,
      }),
    );
  }
  const nameOf: NameOf = async (authInfo) => {
    if (!config.authentication) return 'World';
    if (authInfo === undefined) throw new Error('get_name was called without an access token');
    return nameOfUser(fusionAuth, authInfo, log);
  };
  const greetings = sharedGreetings(sharedState, log);
  const ownServer = mcpServerFactory({ nameOf, greetings, scopesSupported: config.scopesSupported });
  const factory = observedServers(parts.createMcpServer ?? ownServer, observation);
  const { sessionTimeout, maxSessions, maxConnections: maxSubscriptions } = config;
  const { changes } = parts;
  const { rateLimitUser: user, rateLimitClient: client } = config;
  const onRefusal = observation.metrics.rateLimitRefusal;
  app.all(
    '/mcp',
    // Of callers, whom only authentication knows.
    ...(config.authentication ? [rateLimits({ user, client, sharedState, log, onRefusal })] : []),
    mcpEndpoint({
      factory,
      changes,
      sharedState,
      sessionTimeout,
      maxSessions,
      maxSubscriptions,
      log,
      metrics: observation.metrics,
      signal: parts.signal,
    }),
  );
  app.use((_request, response) => {
    response.status(404).json(jsonRpcError(-32_600, 'Not found. The MCP endpoint is /mcp.'));
  });
  app.use(unexpectedFailure(log));
  return app;
}

function unexpectedFailure(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    log.error({ detail: messageOf(error) }, 'request failed unexpectedly');
    if (response.headersSent) next(error);
    else response.status(500).json(jsonRpcError(-32_603, 'Internal error'));
  };
}
