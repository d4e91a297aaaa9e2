import type { User } from './types.ts';

/** The name that a user goes by: full name, first and last name, username, email address or id. */
export function displayName(user: User): string {
  const parts = [user.firstName, user.middleName, user.lastName].filter((part) => part !== undefined);
  return user.fullName ?? (parts.length > 0 ? parts.join(' ') : (user.username ?? user.email ?? user.id));
}
