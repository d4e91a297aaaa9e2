import { scopesKey } from './scoped-tool.ts';

/**
 * Whether a client can obtain the scopes that a tool declares with `scopedTool`: each is among the `scopes_supported` of the
 * protected resource metadata (RFC 9728, section 2), the list from which clients choose what to ask for. What the token of
 * the moment carries does not matter: a client steps up to the rest, but only for a tool that it sees. A scope that the
 * metadata does not offer is one that the authorization server is not known to grant to anybody: asking for it would end with
 * `invalid_scope`, each time, so that a tool that needs it is better not shown.
 */
export function isObtainable(
  tool: { readonly _meta?: Readonly<Record<string, unknown>> },
  scopesSupported: readonly string[],
): boolean {
  const scopes = tool._meta?.[scopesKey];
  return !Array.isArray(scopes) || scopes.every((scope: string) => scopesSupported.includes(scope));
}
