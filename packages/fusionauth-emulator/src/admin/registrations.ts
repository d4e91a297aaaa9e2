import { randomUUID } from 'node:crypto';
import { Router, type Request } from 'express';
import type { Context } from '../context.ts';
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
export function registrationRoutes({ store, events }: Pick<Context, 'store' | 'events'>): Router {
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
    const answer = await events.change(
      'user.registration.create',
      eventFields(user, registration),
      request,
      async () => {
        if (!isObject(newUser)) return save(user, registration);
        return events.change('user.create', { user: presentUser(user) }, request, () =>
          save(user, registration),
        );
      },
    );
    response.json(isObject(newUser) ? answer : { registration: answer['registration'] });
  });
  router.get('/:userId/:applicationId', (request: Request<Params>, response) => {
    const [, registration] = existingRegistration(store, request.params);
    response.json({ registration: presentRegistration(registration) });
  });
  const update = async (request: Request<Params>, user: User, before: Registration, body: JsonObject) => {
    const registration = readRegistration(store, body, before);
    const fields = { ...eventFields(user, registration), original: presentRegistration(before) };
    const answer = await events.change('user.registration.update', fields, request, () =>
      save(user, registration),
    );
    return { registration: answer['registration'] };
  };
  router.put('/:userId', async (request: Request<Params>, response) => {
    const body = bodyMember(request.body, 'registration');
    const applicationId = body['applicationId'];
    const [user, before] = existingRegistration(store, {
      ...request.params,
      applicationId: typeof applicationId === 'string' ? applicationId : '',
    });
    response.json(await update(request, user, before, body));
  });
  router.patch(['/:userId', '/:userId/:applicationId'], async (request: Request<Params>, response) => {
    const patch = bodyMember(request.body, 'registration');
    const sent = patch['applicationId'];
    const [user, before] = existingRegistration(store, {
      applicationId: typeof sent === 'string' ? sent : '',
      ...request.params,
    });
    const merged = objectOf(mergePatch(presentRegistration(before), patch));
    response.json(await update(request, user, before, merged));
  });
  router.delete('/:userId/:applicationId', async (request: Request<Params>, response) => {
    const [user, before] = existingRegistration(store, request.params);
    await events.change('user.registration.delete', eventFields(user, before), request, () =>
      store.users.set(user.id, {
        ...user,
        registrations: user.registrations.filter((item) => item !== before),
      }),
    );
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

function eventFields(user: User, registration: Registration): JsonObject {
  return {
    applicationId: registration.applicationId,
    registration: presentRegistration(registration),
    user: presentUser(user),
  };
}

function presentRegistration({ extra, ...registration }: Registration): JsonObject {
  return { ...extra, ...registration };
}
