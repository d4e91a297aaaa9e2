import type { Store } from './store.ts';
import type { Registration } from './types.ts';

/** The user's registration with the application, if there is one. */
export function registrationOf(
  store: Store,
  userId: string | undefined,
  applicationId: string | undefined,
): Registration | undefined {
  return store.users
    .get(userId ?? '')
    ?.registrations.find((registration) => registration.applicationId === applicationId);
}

export function isRegistered(
  store: Store,
  userId: string | undefined,
  applicationId: string | undefined,
): boolean {
  return registrationOf(store, userId, applicationId) !== undefined;
}
