import { randomUUID } from 'node:crypto';
import type { Store } from '../store/store.ts';
import type { Application, User } from '../store/types.ts';
import { fieldProblem, notFound } from './api-error.ts';
import { isUuid } from './input.ts';

/** The application with this id, active or not. @throws ApiError 404 */
export function existingApplication(store: Store, id: string): Application {
  const application = store.applications.get(id);
  if (application === undefined) throw notFound();
  return application;
}

/** The user with this id, active or not. @throws ApiError 404 */
export function existingUser(store: Store, id: string | undefined): User {
  const user = store.users.get(id ?? '');
  if (user === undefined) throw notFound();
  return user;
}

/**
 * The id for something new: the one asked for, or any.
 *
 * @throws ApiError 400 when it is not a UUID or taken
 */
export function newId(
  asked: string | undefined,
  field: string,
  kind: string,
  taken: (id: string) => boolean,
): string {
  if (asked === undefined) return randomUUID();
  if (!isUuid(asked)) throw fieldProblem('invalid', field, `[${asked}] is not a UUID.`);
  if (taken(asked)) throw fieldProblem('duplicate', field, `${kind} with the Id [${asked}] already exists.`);
  return asked;
}
