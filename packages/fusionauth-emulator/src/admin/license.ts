import type { Store } from '../store/store.ts';
import { has } from '../store/version.ts';
import type { Application } from '../store/types.ts';
import { fieldProblem, type Problems } from './api-error.ts';

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

/** `POST /api/reactor`: whatever license is named, the switch has decided. @throws ApiError 400 where it says unlicensed */
export function checkActivation(store: Store): void {
  if (store.licensed) return;
  throw fieldProblem('invalid', 'licenseId', 'The emulator was started as unlicensed, and stays so.');
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
