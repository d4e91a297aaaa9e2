import type { JsonObject } from '../json.ts';
import { hashPassword } from '../store/passwords.ts';
import { displayName } from '../store/display-name.ts';
import { userByLoginId, type Store } from '../store/store.ts';
import type { User } from '../store/types.ts';
import { Problems } from './api-error.ts';
import { Input } from './input.ts';

const own = [
  'id',
  'tenantId',
  'active',
  'email',
  'username',
  'uniqueUsername',
  'firstName',
  'middleName',
  'lastName',
  'fullName',
  'birthDate',
  'imageUrl',
  'mobilePhone',
  'preferredLanguages',
  'timezone',
  'verified',
  'password',
  'registrations',
  'passwordHash',
  'extra',
  'insertInstant',
  'lastUpdateInstant',
];

/**
 * Makes a user of a request's `user`. A password has to be 8 characters at least, as by FusionAuth's default rules; an
 * update without one keeps the old.
 *
 * @throws ApiError 400
 */
export async function readUser(
  store: Store,
  id: string,
  body: JsonObject,
  existing: User | undefined,
): Promise<User> {
  const problems = new Problems();
  const input = new Input(body, 'user', problems);
  const email = input.text('email');
  const username = input.text('username');
  if (email === undefined && username === undefined) {
    problems.field(
      'blank',
      'user.email',
      'You must specify either the [user.email] or [user.username] property.',
    );
    problems.field(
      'blank',
      'user.username',
      'You must specify either the [user.email] or [user.username] property.',
    );
  }
  if (email !== undefined && !/^[^\s@]+@[^\s@]+$/u.test(email)) {
    problems.field('notEmail', 'user.email', 'The [user.email] property is not an email address.');
  }
  for (const [name, value] of Object.entries({ email, username })) {
    const other = value === undefined ? undefined : userByLoginId(store, value);
    if (other !== undefined && other.id !== id) {
      problems.field('duplicate', `user.${name}`, `A User with [${name} = ${value ?? ''}] already exists.`);
    }
  }
  const password = input.text('password');
  if (password === undefined && existing?.passwordHash === undefined) {
    problems.field('blank', 'user.password', 'You must specify the [user.password] property.');
  } else if (password !== undefined && password.length < 8) {
    problems.field(
      'tooShort',
      'user.password',
      'The [user.password] property does not meet the minimum length of [8].',
    );
  }
  const now = Date.now();
  const user: Omit<User, 'passwordHash'> = {
    id,
    tenantId: store.tenant.id,
    active: existing?.active ?? true,
    email,
    username,
    firstName: input.text('firstName'),
    middleName: input.text('middleName'),
    lastName: input.text('lastName'),
    fullName: input.text('fullName'),
    birthDate: input.text('birthDate'),
    imageUrl: input.text('imageUrl'),
    mobilePhone: input.text('mobilePhone'),
    preferredLanguages: input.texts('preferredLanguages', []),
    timezone: input.text('timezone'),
    verified: input.flag('verified', existing?.verified ?? true),
    registrations: existing?.registrations ?? [],
    extra: input.rest(own),
    insertInstant: existing?.insertInstant ?? now,
    lastUpdateInstant: now,
  };
  problems.throwIfAny();
  return {
    ...user,
    passwordHash: password === undefined ? existing?.passwordHash : await hashPassword(password),
  };
}

/** A user as the API shows it; nothing of the password leaves. */
export function presentUser(user: User): JsonObject {
  const { extra, registrations, ...rest } = user;
  const named = user.fullName !== undefined || user.firstName !== undefined;
  return {
    ...extra,
    ...rest,
    passwordHash: undefined,
    ...(named ? { fullName: displayName(user) } : {}),
    registrations: registrations.map(({ extra: more, ...registration }) => ({ ...more, ...registration })),
  };
}
