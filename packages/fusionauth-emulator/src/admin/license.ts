import type { Store } from '../store/store.ts';
import { has } from '../store/version.ts';
import type { Application } from '../store/types.ts';
import type { Problems } from './api-error.ts';

/** Third-party applications are a paid feature. */
export function checkRelationshipLicense(
  store: Store,
  application: Pick<Application, 'oauthConfiguration'>,
  problems: Problems,
): void {
  if (store.licensed || application.oauthConfiguration.relationship !== 'ThirdParty') return;
  problems.field(
    'notLicensed',
    'application.oauthConfiguration.relationship',
    'A paid FusionAuth license is required to use third-party applications.',
  );
}

/** Custom scopes are a paid feature. */
export function checkScopeLicense(store: Store, problems: Problems): void {
  if (store.licensed) return;
  problems.general('[notLicensed]', 'A paid FusionAuth license is required to use custom OAuth scopes.');
}

/** `GET /api/reactor`. */
export function reactorStatus(store: Store): { status: Record<string, unknown> } {
  const paid = store.licensed ? 'ACTIVE' : 'DISABLED';
  return {
    status: {
      licensed: store.licensed,
      advancedOAuthScopes: paid,
      advancedOAuthScopesCustomScopes: paid,
      advancedOAuthScopesThirdPartyApplications: paid,
      dPoP: has(store, 'dpop') ? paid : undefined,
    },
  };
}
