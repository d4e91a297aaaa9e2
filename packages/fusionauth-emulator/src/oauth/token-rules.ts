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

/** @throws OAuthError `invalid_request` with the given reason when it is absent */
export function required(parameters: Parameters, name: string, reason: string): string {
  const value = parameters.get(name);
  if (value === undefined) throw new OAuthError('invalid_request', reason, `The ${name} is missing.`);
  return value;
}
