// The library: protect an MCP server of one's own with FusionAuth.
export {
  InMemoryServerEventBus,
  McpServer,
  type AuthInfo,
  type McpServerFactory,
  type OAuthTokenVerifier,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
export { UsageError } from '@mcp-keyhole/cli-kit';
export { createApp, type AppParts } from './app.ts';
export { loadConfig, resourceOf, type Environment, type ServerConfig } from './config.ts';
export { type DpopMode } from './dpop/dpop-options.ts';
export { ServerError, type ServerErrorCode } from './errors.ts';
export { connectFusionAuth, type Answer, type Claims, type FusionAuth } from './fusionauth.ts';
export { startServer, type RunningServer } from './http-server.ts';
export { createLog, type Log, type LogFields } from './log.ts';
export { createMetrics, type Metrics } from './observation/metrics.ts';
export { observationOf, type Observation } from './observation/observation.ts';
export { noteValidation, type ValidationNotes } from './observation/request-context.ts';
export { startTracing, type Span, type Tracing } from './observation/tracing.ts';
export { type OperationConfig } from './operation.ts';
export { protect, type DpopProtection, type Protection } from './protect.ts';
export { requireScopes, requireToolScopes } from './scopes/require-scopes.ts';
export { scopedTool, scopesKey, type ScopedTool } from './scopes/scoped-tool.ts';
export { subjects, unrevoked } from './shared-state/revocation-check.ts';
export { type Messages } from './shared-state/messages.ts';
export { createMemorySharedState } from './shared-state/memory-shared-state.ts';
export { connectRedisSharedState } from './shared-state/redis-shared-state.ts';
export {
  type Session,
  type SessionEvent,
  type SessionLimits,
  type SessionNews,
  type Sessions,
} from './shared-state/sessions.ts';
export {
  SharedStateUnavailable,
  type Allowance,
  type RateLimit,
  type Revocations,
  type SharedState,
  type SingleUse,
  type Texts,
} from './shared-state/shared-state.ts';
export { type Expectation } from './token-verifier/claims.ts';
export {
  cachedVerifier,
  type CachedTokenVerifier,
  type RememberingVerifier,
} from './token-verifier/cached-token-verifier.ts';
export { createFusionAuthTokenVerifier } from './token-verifier/fusionauth-token-verifier.ts';
export { createTokenVerifier, type TokenVerifier, type Validation } from './token-verifier/token-verifier.ts';
export { TokenRefused, type Refusal } from './token-verifier/refusal.ts';
export { webhooks, type WebhooksParts } from './webhooks/webhooks.ts';
