import type { Application } from '../store/types.ts';
import { OAuthError } from './oauth-error.ts';

/**
 * The resources of an authorization request (RFC 8707). An application without authorized resources ignores the
 * parameter, as FusionAuth does.
 *
 * @throws OAuthError `invalid_target` for one that is not an absolute URI, has a fragment, or is not authorized
 */
export function resolveResources(application: Application, requested: readonly string[]): string[] {
  const authorized = application.oauthConfiguration.authorizedResourceUris;
  if (authorized.length === 0) return [];
  for (const resource of requested) {
    if (!URL.canParse(resource) || resource.includes('#')) {
      throw invalidTarget(`The resource [${resource}] is not an absolute URI without a fragment.`);
    }
    if (!authorized.includes(resource)) {
      throw invalidTarget(`The resource [${resource}] is not one of the application's authorized resources.`);
    }
  }
  return [...requested];
}

export function invalidTarget(description: string): OAuthError {
  return new OAuthError('invalid_target', 'unknown', description);
}
