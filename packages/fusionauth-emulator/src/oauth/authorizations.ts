import type { Provider } from 'oidc-provider';
import { textOf, textsOf } from '../json.ts';
import type { Store } from '../store/store.ts';
import { supportsDpop } from './dpop/proof.ts';
import { splitScope } from './parameters.ts';

/**
 * Records what an authorization grants and creates the engine's grant for it. One per authorization request, never
 * shared, so that revoking one leaves the others alone.
 *
 * @returns the grant's id
 */
export async function createAuthorization(
  engine: Provider,
  store: Store,
  request: { userId: string; params: Readonly<Record<string, unknown>>; scopes?: readonly string[] },
): Promise<string> {
  const { userId, params } = request;
  const applicationId = textOf(params['client_id']) ?? '';
  const grant = new engine.Grant({ accountId: userId, clientId: applicationId });
  grant.addOIDCScope('openid');
  const grantId = await grant.save();
  store.authorizations.set(grantId, {
    grantId,
    applicationId,
    userId,
    scopes: request.scopes ?? requestedScopes(params),
    resources: requestedResources(params),
    jkt: supportsDpop(store) ? textOf(params['requested_jkt']) : undefined,
  });
  return grantId;
}

/** The scopes of an authorization request that is under way. */
export function requestedScopes(params: Readonly<Record<string, unknown>>): string[] {
  return splitScope(textOf(params['requested_scopes']));
}

/** The resources of an authorization request that is under way. */
export function requestedResources(params: Readonly<Record<string, unknown>>): string[] {
  return textsOf(JSON.parse(textOf(params['requested_resources']) ?? '[]'));
}
