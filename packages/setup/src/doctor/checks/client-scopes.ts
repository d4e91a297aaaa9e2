import { UnknownScopePolicy, type Application } from '@fusionauth/typescript-client';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { check, type Check } from '../check.ts';
import type { Trouble } from '../finding.ts';
import { nameOf, scopeOf, unknownScopes } from './application.ts';

/** Scopes of OpenID Connect, which FusionAuth has without being told. */
const providedScopes = ['openid', 'offline_access', 'profile', 'email', 'address', 'phone'];

/** Whether a client has the scopes that the server asks for: at once, and when a tool is called that needs more. */
export const clientScopeChecks: readonly Check[] = [
  check('client-scope', 'wrong', ['client', 'metadata'], ({ client, metadata }) =>
    lackingScopes(client, metadata.initialScopes, {
      says: (names) => `The server asks for ${names}, which the application does not have.`,
      consequence: (rejects) =>
        rejects
          ? 'The sign-in ends with invalid_scope (unknown_scope).'
          : 'The token comes without it, and the server answers 403 insufficient_scope.',
    }),
  ),

  check('client-tool-scope', 'warning', ['client', 'metadata'], ({ client, metadata }) => {
    const further = metadata.scopes.filter((scope) => !metadata.initialScopes.includes(scope));
    return lackingScopes(client, further, {
      says: (names) => `Some of the server's tools need ${names}, which the application does not have.`,
      consequence: (rejects) =>
        rejects
          ? 'Users who call them are sent to a sign-in that ends with invalid_scope (unknown_scope).'
          : 'Users who call them are asked in vain: the token comes without it.',
    });
  }),
];

/** The trouble of a client that lacks some of the scopes: `says` is told their names, `consequence` whether unknown ones are rejected. */
function lackingScopes(
  client: Application,
  scopes: readonly string[],
  words: { says: (names: string) => string; consequence: (rejects: boolean) => string },
): Trouble | undefined {
  const known = [...providedScopes, ...(client.scopes ?? []).map(({ name }) => name ?? '')];
  const missing = scopes.filter((scope) => !known.includes(scope));
  if (missing.length === 0) return undefined;
  const names = missing.map((scope) => cleanLine(scope)).join(', ');
  return {
    about: nameOf(client),
    message: words.says(names),
    consequence: words.consequence(unknownScopes(client) === UnknownScopePolicy.Reject),
    remedy: `Applications → ${cleanLine(client.name ?? '')} → Scopes: add ${names}.`,
    change: {
      says: missing.map((scope) => `new scope ${JSON.stringify(scope)}, required, with its consent message`),
      requests: missing.map((scope) => scopeOf(client, scope)),
    },
  };
}
