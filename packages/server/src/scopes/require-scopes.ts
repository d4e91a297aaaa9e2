import { OAuthError, OAuthErrorCode, type AuthInfo } from '@modelcontextprotocol/server';
import type { Request, RequestHandler, Response } from 'express';
import { answerTo, refuse } from '../bearer-challenge.ts';
import { isBound } from '../dpop/possession.ts';
import { errors, wireDescriptions } from '../errors.ts';
import { jsonRpcError } from '../json-rpc-error.ts';
import { challengedScopes } from './challenged-scopes.ts';
import { checkScopes } from './scope-check.ts';

/**
 * Lets a request pass whose token has all these scopes; others get 403 `insufficient_scope`. It stands behind
 * `protect`: a request that nobody authenticated passes, so that it can be left out where authentication is.
 *
 * @throws ServerError `unusable-option`
 */
export function requireScopes(...scopes: readonly [string, ...string[]]): RequestHandler {
  checkScopes('requireScopes', scopes, 1);
  return (request, response, next) => passOrRefuse(request, response, scopes, next);
}

/**
 * The same for the tools of an MCP server that cannot declare scopes itself, as with the SDK's v1: lets a request pass whose
 * token covers every tool that it calls. It stands behind `protect` and `express.json()`. What that has not read does not
 * pass: the MCP server behind might read it otherwise.
 *
 * @param tools the scopes of each tool, by name; a tool that is not named needs none
 * @throws ServerError `unusable-option`
 */
export function requireToolScopes(tools: Readonly<Record<string, readonly string[]>>): RequestHandler {
  const scopesByTool = new Map(Object.entries(tools));
  for (const [tool, scopes] of scopesByTool) checkScopes(`requireToolScopes: ${tool}`, scopes);
  return (request, response, next) => {
    if (request.method === 'POST' && !isRead(request.body)) {
      if (request.is('json') === 'json') next(errors.bodyUnread());
      else response.status(415).json(jsonRpcError(-32_000, 'Unsupported Media Type: not application/json'));
      return;
    }
    const required = calledTools(request.body).flatMap((tool) => scopesByTool.get(tool) ?? []);
    passOrRefuse(request, response, required, next);
  };
}

function passOrRefuse(
  request: Request & { auth?: AuthInfo },
  response: Response,
  required: readonly string[],
  pass: () => void,
): void {
  const { auth } = request;
  const scopes = auth && challengedScopes(auth, required);
  if (auth === undefined || scopes === undefined) {
    pass();
    return;
  }
  const lacking = new OAuthError(OAuthErrorCode.InsufficientScope, wireDescriptions.insufficientScope);
  const { resourceMetadataUrl } = auth;
  const schemes = isBound(auth) ? (['DPoP'] as const) : undefined;
  refuse(response, answerTo(lacking), { scopes, resourceMetadataUrl, schemes });
}

/** Whether a body parser has made JSON of it; `express.text()` and `express.raw()` leave that to others. */
function isRead(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !Buffer.isBuffer(body);
}

/** The names in all `tools/call` of a body: a batch, which 2025-03-26 allows, may hold several. */
function calledTools(body: unknown): string[] {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
  return messages.flatMap((message) => {
    const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } };
    const name = params?.name;
    return method === 'tools/call' && typeof name === 'string' ? [name] : [];
  });
}
