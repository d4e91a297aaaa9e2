import { OAuthError, OAuthErrorCode, type AuthInfo } from '@modelcontextprotocol/server';
import type { Request, RequestHandler, Response } from 'express';
import { answerTo, refuse } from '../bearer-challenge.ts';
import { isBound } from '../dpop/possession.ts';
import { wireDescriptions } from '../errors.ts';
import { challengedScopes } from './challenged-scopes.ts';

/**
 * Lets a request pass whose token has all these scopes; others get 403 `insufficient_scope`. It stands behind
 * `protect`: a request that nobody authenticated passes, so that it can be left out where authentication is.
 */
export function requireScopes(...scopes: readonly [string, ...string[]]): RequestHandler {
  return (request, response, next) => passOrRefuse(request, response, scopes, next);
}

/**
 * The same for the tools of an MCP server that cannot declare scopes itself, as with the SDK's v1: lets a request pass whose
 * token covers every tool that it calls. It stands behind `protect` and `express.json()`.
 *
 * @param tools the scopes of each tool, by name; a tool that is not named needs none
 */
export function requireToolScopes(tools: Readonly<Record<string, readonly string[]>>): RequestHandler {
  const scopesByTool = new Map(Object.entries(tools));
  return (request, response, next) => {
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

/** The names in all `tools/call` of a body: a batch, which 2025-03-26 allows, may hold several. */
function calledTools(body: unknown): string[] {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
  return messages.flatMap((message) => {
    const { method, params } = (message ?? {}) as { method?: unknown; params?: { name?: unknown } };
    const name = params?.name;
    return method === 'tools/call' && typeof name === 'string' ? [name] : [];
  });
}
