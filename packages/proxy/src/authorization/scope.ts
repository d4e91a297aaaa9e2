import type { Challenge, Discovery, RegisteredClient } from './types.ts';

/**
 * The scope to ask for: what the client was registered with, exactly; else what the challenge names, else all that the
 * resource supports (MCP, scope selection), with offline_access when the authorization server offers it, since without
 * it there is no refresh token. A step-up asks for the union of what was asked for before and what is challenged.
 */
export function scopeToRequest(
  { scopesSupported, authorizationServer }: Discovery,
  client: Pick<RegisteredClient, 'scope'>,
  challenge: Challenge,
): string | undefined {
  const before = words(challenge.alreadyRequested);
  if (client.scope !== undefined)
    return join([...words(client.scope), ...(challenge.stepUp ? words(challenge.scope) : [])]);
  const scopes = challenge.scope === undefined ? (scopesSupported ?? []) : words(challenge.scope);
  if (scopes.length + before.length === 0) return undefined;
  const offline =
    authorizationServer.scopes_supported?.includes('offline_access') === true ? ['offline_access'] : [];
  return join([...before, ...scopes, ...offline]);
}

/** Whether every scope of `wanted` is among `given`. */
export function covers(given: string | undefined, wanted: string | undefined): boolean {
  return words(wanted).every((word) => words(given).includes(word));
}

function words(scope: string | undefined): string[] {
  return scope?.split(' ').filter((word) => word !== '') ?? [];
}

function join(scopes: readonly string[]): string {
  return [...new Set(scopes)].join(' ');
}
