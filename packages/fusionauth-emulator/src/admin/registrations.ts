import { randomUUID } from 'node:crypto';
import { Router, type Request } from 'express';
import { isObject, mergePatch, objectOf, type JsonObject } from '../json.ts';
import type { Store } from '../store/store.ts';
import type { Registration, User } from '../store/types.ts';
import { fieldProblem, notFound, Problems } from './api-error.ts';
import { bodyMember, Input } from './input.ts';
import { existingUser, newId } from './lookup.ts';
import { presentUser, readUser } from './user-body.ts';

interface Params {
  userId?: string;
  applicationId?: string;
}

/** `/api/user/registration`. */
export function registrationRoutes(store: Store): Router {
  const router = Router();
  const save = (user: User, registration: Registration): JsonObject => {
    const others = user.registrations.filter((item) => item.applicationId !== registration.applicationId);
    const after = { ...user, registrations: [...others, registration] };
    store.users.set(user.id, after);
    return { registration: presentRegistration(registration), user: presentUser(after) };
  };

  // With a user in the body, both are created at once.
  router.post(['/', '/:userId'], async (request: Request<Params>, response) => {
    const body = bodyMember(request.body, 'registration');
    const newUser = isObject(request.body) ? request.body['user'] : undefined;
    const registration = readRegistration(store, body, undefined);
    const user = isObject(newUser)
      ? await readUser(
          store,
          newId(request.params.userId, 'userId', 'A User', (taken) => store.users.has(taken)),
          newUser,
          undefined,
        )
      : existingUser(store, request.params.userId);
    if (user.registrations.some((item) => item.applicationId === registration.applicationId)) {
      throw fieldProblem(
        'duplicate',
        'registration',
        `User with id [${user.id}] already registered for application with id [${registration.applicationId}].`,
      );
    }
    const answer = save(user, registration);
    response.json(isObject(newUser) ? answer : { registration: answer['registration'] });
  });
  router.get('/:userId/:applicationId', (request: Request<Params>, response) => {
    const [, registration] = existingRegistration(store, request.params);
    response.json({ registration: presentRegistration(registration) });
  });
  router.put('/:userId', (request: Request<Params>, response) => {
    const body = bodyMember(request.body, 'registration');
    const applicationId = body['applicationId'];
    const [user, before] = existingRegistration(store, {
      ...request.params,
      applicationId: typeof applicationId === 'string' ? applicationId : '',
    });
    const { registration } = save(user, readRegistration(store, body, before));
    response.json({ registration });
  });
  router.patch(['/:userId', '/:userId/:applicationId'], (request: Request<Params>, response) => {
    const patch = bodyMember(request.body, 'registration');
    const sent = patch['applicationId'];
    const [user, before] = existingRegistration(store, {
      applicationId: typeof sent === 'string' ? sent : '',
      ...request.params,
    });
    const merged = objectOf(mergePatch(presentRegistration(before), patch));
    const { registration } = save(user, readRegistration(store, merged, before));
    response.json({ registration });
  });
  router.delete('/:userId/:applicationId', (request: Request<Params>, response) => {
    const [user, before] = existingRegistration(store, request.params);
    store.users.set(user.id, {
      ...user,
      registrations: user.registrations.filter((item) => item !== before),
    });
    response.status(200).end();
  });
  return router;
}

function existingRegistration(store: Store, params: Params): [User, Registration] {
  const user = existingUser(store, params.userId);
  const registration = user.registrations.find((item) => item.applicationId === params.applicationId);
  if (registration === undefined) throw notFound();
  return [user, registration];
}

function readRegistration(store: Store, body: JsonObject, before: Registration | undefined): Registration {
  const problems = new Problems();
  const input = new Input(body, 'registration', problems);
  const applicationId = input.text('applicationId') ?? before?.applicationId ?? '';
  const application = store.applications.get(applicationId);
  if (application === undefined) {
    problems.field(
      'invalid',
      'registration.applicationId',
      `There is no application with the id [${applicationId}].`,
    );
  }
  const defaults = application?.roles.filter(({ isDefault }) => isDefault).map(({ name }) => name) ?? [];
  const roles = input.texts('roles', before?.roles ?? defaults);
  const unknown = roles.find((role) => application?.roles.every(({ name }) => name !== role) === true);
  if (unknown !== undefined) {
    problems.field('invalid', 'registration.roles', `The application has no role named [${unknown}].`);
  }
  problems.throwIfAny();
  const now = Date.now();
  return {
    id: before?.id ?? input.text('id') ?? randomUUID(),
    applicationId,
    roles,
    extra: input.rest(['id', 'applicationId', 'roles', 'insertInstant', 'lastUpdateInstant']),
    insertInstant: before?.insertInstant ?? now,
    lastUpdateInstant: now,
  };
}

function presentRegistration({ extra, ...registration }: Registration): JsonObject {
  return { ...extra, ...registration };
}
