import { hostHeaderValidation, originValidation } from '@modelcontextprotocol/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  localhostAllowedHostnames,
  type AuthInfo,
  type McpServerFactory,
  type OAuthTokenVerifier,
} from '@modelcontextprotocol/server';
import { messageOf } from '@mcp-keyhole/cli-kit';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { requireBearerToken } from './bearer-authentication.ts';
import { resourceOf, type ServerConfig } from './config.ts';
import { connectFusionAuth, type FusionAuth } from './fusionauth.ts';
import { createLog, type Log } from './log.ts';
import { mcpServerFactory } from './mcp-server.ts';
import { protectedResourceMetadata, resourceMetadataUrl } from './protected-resource-metadata.ts';
import type { NameOf } from './tools/get-name.ts';
import { createFusionAuthTokenVerifier } from './token-verifier/fusionauth-token-verifier.ts';
import { nameOfUser } from './userinfo.ts';

/** What an app is made of besides its configuration; each has a default. */
export interface AppParts {
  /** Makes the MCP server that answers a request. Default: one with the tool `get_name`. */
  readonly createMcpServer?: McpServerFactory | undefined;
  /** Default: FusionAuth's JWT validation API, with issuer and audience checked. */
  readonly verifier?: OAuthTokenVerifier | undefined;
  /** Default: the FusionAuth that the configuration names. */
  readonly fusionAuth?: FusionAuth | undefined;
  /** Default: JSON lines on stdout. */
  readonly log?: Log | undefined;
  /** Ends open streams when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of the largest request body: tool arguments are small, and a body is held in memory as a whole. */
const maxRequestBodySize = 1024 * 1024;

/** The express app, not listening: health, protected resource metadata, and `/mcp` behind bearer authentication. */
export function createApp(config: ServerConfig, parts: AppParts = {}): Express {
  const log = parts.log ?? createLog();
  const fusionAuth = parts.fusionAuth ?? connectFusionAuth(config.fusionAuthUrl);
  const allowedHosts = [...localhostAllowedHostnames(), new URL(config.mcpServerUrl).hostname];
  const app = express().disable('x-powered-by');

  // Before the Host check: probes come by address.
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  // DNS rebinding: a page's own host name may be led to this address, but then Host and Origin still carry that name.
  app.use(hostHeaderValidation(allowedHosts), originValidation(allowedHosts));
  if (config.authentication) {
    app.use(protectedResourceMetadata(config));
    app.use('/mcp', bearerAuthentication(config, parts, fusionAuth, log));
  }
  const nameOf: NameOf = async (authInfo) => {
    if (!config.authentication) return 'World';
    if (authInfo === undefined) throw new Error('get_name was called without an access token');
    return nameOfUser(fusionAuth, authInfo, log);
  };
  app.all('/mcp', mcpEndpoint(parts.createMcpServer ?? mcpServerFactory(nameOf), log, parts.signal));
  app.use((_request, response) => {
    response.status(404).json(jsonRpcError(-32_600, 'Not found. The MCP endpoint is /mcp.'));
  });
  app.use(unexpectedFailure(log));
  return app;
}

function bearerAuthentication(
  config: ServerConfig,
  parts: AppParts,
  fusionAuth: FusionAuth,
  log: Log,
): RequestHandler {
  const expectation = { issuer: config.issuer, resource: resourceOf(config) };
  return requireBearerToken({
    verifier: parts.verifier ?? createFusionAuthTokenVerifier(fusionAuth, expectation),
    requiredScopes: config.requiredScopes,
    challengedScopes: config.scopesSupported,
    resourceMetadataUrl: resourceMetadataUrl(config),
    log,
  });
}

/** Both eras of the protocol on one endpoint; the handler reads the body itself, within the limit. */
function mcpEndpoint(factory: McpServerFactory, log: Log, signal: AbortSignal | undefined): RequestHandler {
  const onerror = (error: Error): void => log.debug({ detail: error.message }, 'MCP request rejected');
  const handler = createMcpHandler(factory, { maxRequestBodySize, onerror });
  signal?.addEventListener('abort', () => void handler.close(), { once: true });
  const respond = toNodeHandler(handler, { maxRequestBodySize, onerror });
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

function unexpectedFailure(log: Log): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    log.error({ detail: messageOf(error) }, 'request failed unexpectedly');
    if (response.headersSent) next(error);
    else response.status(500).json(jsonRpcError(-32_603, 'Internal error'));
  };
}

function jsonRpcError(code: number, message: string): object {
  return { jsonrpc: '2.0', error: { code, message }, id: null };
}
