import type { Store } from '../store/store.ts';
import type { Application } from '../store/types.ts';

/** What decides whether the consent page is shown. */
export interface ConsentQuestion {
  readonly application: Application;
  readonly userId: string;
  readonly scopes: readonly string[];
  /** `prompt=consent` was asked for. */
  readonly forced: boolean;
}

/** Only third-party applications ask, each time unless their `consentMode` says otherwise. */
export function consentNeeded(store: Store, question: ConsentQuestion): boolean {
  const { relationship, consentMode } = question.application.oauthConfiguration;
  if (relationship === 'FirstParty') return false;
  if (question.forced || consentMode === 'AlwaysPrompt') return true;
  if (consentMode === 'NeverPrompt') return false;
  const remembered = store.consents.get(consentKey(question.userId, question.application.id));
  return remembered === undefined || question.scopes.some((scope) => !remembered.includes(scope));
}

export function rememberConsent(
  store: Store,
  userId: string,
  applicationId: string,
  scopes: readonly string[],
): void {
  const key = consentKey(userId, applicationId);
  store.consents.set(key, [...new Set([...(store.consents.get(key) ?? []), ...scopes])]);
}

function consentKey(userId: string, applicationId: string): string {
  return `${userId}:${applicationId}`;
}
