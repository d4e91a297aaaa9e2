import type { AuthInfo } from '@modelcontextprotocol/server';

/** What OAuth knows as a scope (RFC 6749, section 3.3). */
export const scopeToken = /^[\u0021\u0023-\u005B\u005D-\u007E]+$/u;

/**
 * The scopes to challenge a token with that lacks some of the required ones: those and the ones that it has, in one
 * challenge, since a client that asks for just what it is told would lose the others. Undefined when it lacks none.
 *
 * Not `offline_access`: that a client wants to refresh is its own matter.
 */
export function challengedScopes(
  authInfo: AuthInfo,
  required: readonly string[],
): [string, ...string[]] | undefined {
  if (required.every((scope) => authInfo.scopes.includes(scope))) return undefined;
  const granted = authInfo.scopes.filter((scope) => scope !== 'offline_access' && scopeToken.test(scope));
  const [first, ...others] = new Set([...granted, ...required]);
  return first === undefined ? undefined : [first, ...others];
}
