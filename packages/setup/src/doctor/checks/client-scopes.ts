import { UnknownScopePolicy, type Application, type ReactorStatus } from '@fusionauth/typescript-client';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { check, type Check } from '../check.ts';
import type { Change, Trouble } from '../finding.ts';
import { nameOf, oauth, patchApplication, scopeOf, unknownScopes } from './application.ts';
import { hasCustomScopes } from './instance.ts';

/** Whether a client has the scopes that the server asks for: at once, and when a tool is called that needs more. */
export const clientScopeChecks: readonly Check[] = [
  check('client-scope', 'wrong', ['client', 'metadata'], ({ client, metadata, license }) =>
    lackingScopes(client, metadata.initialScopes, license, {
      says: (names) => `The server asks for ${names}, which the application does not have.`,
      consequence: (rejects) =>
        rejects
          ? 'The sign-in ends with invalid_scope (unknown_scope).'
          : 'The token comes without it, and the server answers 403 insufficient_scope.',
    }),
  ),

  check('client-tool-scope', 'warning', ['client', 'metadata'], ({ client, metadata, license }) => {
    const further = metadata.scopes.filter((scope) => !metadata.initialScopes.includes(scope));
    return lackingScopes(client, further, license, {
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
  license: ReactorStatus | undefined,
  words: { says: (names: string) => string; consequence: (rejects: boolean) => string },
): Trouble | undefined {
  const missing = scopes.filter((scope) => !hasScope(client, scope));
  if (missing.length === 0) return undefined;
  const names = missing.map((scope) => cleanLine(scope)).join(', ');
  const own = missing.filter((scope) => !isProvided(scope));
  const provided = missing.filter(isProvided);
  const isUnlicensed = own.length > 0 && license !== undefined && !hasCustomScopes(license);
  const policy = Object.fromEntries(provided.map((scope) => [scope, { enabled: true }]));
  const change: Change = {
    says: [
      ...own.map((scope) => `new scope ${JSON.stringify(scope)}, required, with its consent message`),
      ...provided.map((scope) => `oauthConfiguration.providedScopePolicy.${scope}.enabled: false → true`),
    ],
    requests: [
      ...own.map((scope) => scopeOf(client, scope)),
      ...(provided.length === 0
        ? []
        : [patchApplication(client, { oauthConfiguration: { providedScopePolicy: policy } })]),
    ],
  };
  const steps = [
    ...(own.length === 0 ? [] : [`add ${own.map((scope) => cleanLine(scope)).join(', ')}`]),
    ...(provided.length === 0 ? [] : [`switch on ${provided.join(', ')}`]),
  ];
  const page = `Applications → ${cleanLine(client.name ?? '')} → Scopes: ${steps.join('; ')}.`;
  return {
    about: nameOf(client),
    message: words.says(names),
    consequence: words.consequence(unknownScopes(client) === UnknownScopePolicy.Reject),
    // FusionAuth answers the request with 400 until then.
    remedy: isUnlicensed ? `First the license (see license-missing). Then ${page}` : page,
    ...(isUnlicensed ? {} : { change }),
  };
}

/** Scopes of OpenID Connect, which FusionAuth has without being told; some of them can be switched off. */
const reservedScopes = ['openid', 'offline_access'];
const providedScopes = ['profile', 'email', 'address', 'phone'] as const;

const isProvided = (scope: string): scope is (typeof providedScopes)[number] =>
  providedScopes.some((one) => one === scope);

function hasScope(client: Application, scope: string): boolean {
  if (reservedScopes.includes(scope) || client.scopes?.some(({ name }) => name === scope) === true)
    return true;
  return isProvided(scope) && oauth(client).providedScopePolicy?.[scope]?.enabled !== false;
}
