import type { Store } from '../store/store.ts';
import type { Application } from '../store/types.ts';
import type { Exchange } from './engine-request.ts';
import { OAuthError } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';

/** What the engine is asked after FusionAuth's own rules were applied. */
export interface EngineTokenRequest {
  readonly form: URLSearchParams;
  readonly exchange: Exchange;
}

/** @throws OAuthError `unauthorized_client` */
export function checkGrantEnabled(application: Application, grant: string): void {
  if (application.oauthConfiguration.enabledGrants.includes(grant)) return;
  throw new OAuthError(
    'unauthorized_client',
    'grant_type_disabled',
    `The grant [${grant}] is not enabled for this application.`,
  );
}

/** A `tenantId` may be sent, and then has to be that of the one tenant. @throws OAuthError `invalid_tenant_id` */
export function checkTenant(store: Store, parameters: Parameters): void {
  const tenantId = parameters.get('tenantId');
  // FusionAuth's TypeScript client 1.69.0 writes "null" where it is given no tenant (`validateDeviceWithRequest`).
  if (tenantId === undefined || tenantId === 'null' || tenantId === store.tenant.id) return;
  throw new OAuthError('invalid_request', 'invalid_tenant_id', `Invalid tenantId [${tenantId}]`);
}

/** @throws OAuthError `invalid_request` with the given reason when it is absent */
export function required(parameters: Parameters, name: string, reason: string): string {
  const value = parameters.get(name);
  if (value === undefined) throw new OAuthError('invalid_request', reason, `The ${name} is missing.`);
  return value;
}
