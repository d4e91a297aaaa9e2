import { jwtConfigurationOf } from '../store/store.ts';
import type { Application, Authorization } from '../store/types.ts';
import { checkClientAuthentication, type AuthenticatedClient } from './client-authentication.ts';
import { checkKeyBinding } from './dpop/key-binding.ts';
import { OAuthError } from './oauth-error.ts';
import { definedParameters, type Parameters } from './parameters.ts';
import type { Context } from '../context.ts';
import { findRefreshToken, refreshTokens, type StoredRefreshToken } from './refresh-tokens.ts';
import { revokeRefreshTokens } from './revocation.ts';
import { invalidTarget } from './resources.ts';
import { checkGrantEnabled, required, type EngineTokenRequest } from './token-rules.ts';

/**
 * FusionAuth's rules for `grant_type=refresh_token`. Expiry and rotation are the engine's.
 *
 * @throws OAuthError
 */
export async function checkRefreshRequest(
  context: Context,
  client: AuthenticatedClient,
  parameters: Parameters,
  jkt: string | undefined,
): Promise<EngineTokenRequest> {
  const { store } = context;
  const { application } = client;
  checkClientAuthentication(client, false);
  checkGrantEnabled(application, 'refresh_token');
  const presented = findRefreshToken(store, required(parameters, 'refresh_token', 'missing_refresh_token'));
  if (presented?.applicationId !== application.id) throw refreshTokenNotFound();
  const authorization = store.authorizations.get(presented.grantId);
  checkKeyBinding(authorization, jkt);
  const current =
    presented.consumedAt === undefined ? presented : await reused(context, application, presented);
  return {
    form: definedParameters({
      grant_type: 'refresh_token',
      client_id: application.id,
      refresh_token: current.token,
    }),
    exchange: {
      application,
      scopes: narrowedScopes(authorization, parameters),
      resources: narrowedResources(authorization, parameters),
      withinGrace: current !== presented,
      jkt,
    },
  };
}

/** A one-time token that was used before: within the grace period its successor stands in for it. */
async function reused(
  context: Context,
  application: Application,
  presented: StoredRefreshToken,
): Promise<StoredRefreshToken> {
  const { store } = context;
  const settings = jwtConfigurationOf(store, application);
  const { gracePeriodInSeconds } = settings.refreshTokenOneTimeUseConfiguration;
  const sinceUse = Date.now() / 1_000 - (presented.consumedAt ?? 0);
  const successor = refreshTokens(store).find(
    (token) => token.grantId === presented.grantId && token.consumedAt === undefined,
  );
  if (successor !== undefined && sinceUse < gracePeriodInSeconds) return successor;
  if (settings.refreshTokenRevocationPolicy.onOneTimeTokenReuse) {
    await revokeRefreshTokens(context, { userId: presented.userId, applicationId: presented.applicationId });
  }
  throw refreshTokenNotFound();
}

function narrowedScopes(
  authorization: Authorization | undefined,
  parameters: Parameters,
): readonly string[] | undefined {
  const asked = parameters.scopes;
  if (asked.length === 0) return undefined;
  const unknown = asked.find((scope) => authorization?.scopes.includes(scope) !== true);
  if (unknown === undefined) return asked;
  throw new OAuthError(
    'invalid_scope',
    'unknown_scope',
    `The scope [${unknown}] was not granted: a refresh can narrow scopes, not widen them.`,
  );
}

function narrowedResources(
  authorization: Authorization | undefined,
  parameters: Parameters,
): readonly string[] | undefined {
  const asked = parameters.resources;
  const authorized = authorization?.resources ?? [];
  if (asked.length === 0 || authorized.length === 0) return undefined;
  const unknown = asked.find((resource) => !authorized.includes(resource));
  if (unknown === undefined) return asked;
  throw invalidTarget(`The resource [${unknown}] was not part of the authorization request.`);
}

export function refreshTokenNotFound(): OAuthError {
  return new OAuthError('invalid_grant', 'refresh_token_not_found', 'Invalid or expired refresh token');
}
