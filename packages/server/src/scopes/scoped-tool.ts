import type { ScopeChallengeHandler } from '@modelcontextprotocol/server';
import { wireDescriptions } from '../errors.ts';
import { noteRefusedTool } from '../observation/request-context.ts';
import { challengedScopes } from './challenged-scopes.ts';
import { checkScopes } from './scope-check.ts';

/** Where `tools/list` shows which scopes a tool needs: a list of strings in the tool's `_meta`. */
export const scopesKey = 'mcp-keyhole/scopes';

/** The part of a tool's configuration that {@link scopedTool} makes. */
export interface ScopedTool {
  readonly scopeChallenge: ScopeChallengeHandler;
  readonly _meta: Record<string, unknown>;
}

/**
 * Declares the scopes of a tool of the SDK's current line: `registerTool('add', { ...scopedTool('notes'), … }, …)`.
 *
 * The tool is listed for everyone, with its scopes in `_meta`: a host never calls what it cannot see, so that nobody would
 * ever be asked for the scopes of a hidden one. A call with a token that lacks some gets HTTP 403 `insufficient_scope`, in
 * both eras of the protocol, which leads the client to ask for them.
 *
 * @throws ServerError `unusable-option`
 */
export function scopedTool(...scopes: readonly [string, ...string[]]): ScopedTool {
  checkScopes('scopedTool', scopes, 1);
  return {
    scopeChallenge: ({ authInfo, request }) => {
      const challenged = authInfo && challengedScopes(authInfo, scopes);
      if (challenged === undefined) return undefined;
      noteRefusedTool(String(request.params?.['name']));
      return { scopes: challenged, errorDescription: wireDescriptions.insufficientScope };
    },
    _meta: { [scopesKey]: scopes },
  };
}
