import { Router, type Request } from 'express';
import { mergePatch, objectOf, textOf } from '../json.ts';
import { revokeRefreshTokens } from '../oauth/refresh-tokens.ts';
import { userByLoginId, type Store } from '../store/store.ts';
import type { User } from '../store/types.ts';
import { generalProblem, notFound } from './api-error.ts';
import { bodyMember } from './input.ts';
import { existingUser, newId } from './lookup.ts';
import { registrationRoutes } from './registrations.ts';
import { presentUser, readUser } from './user-body.ts';

/** `/api/user`. */
export function userRoutes(store: Store): Router {
  const router = Router();
  const save = (user: User): { user: unknown } => {
    store.users.set(user.id, user);
    return { user: presentUser(user) };
  };

  router.use('/registration', registrationRoutes(store));
  router.get('/', (request, response) => {
    const { query } = request;
    const loginId = textOf(query['email']) ?? textOf(query['username']) ?? textOf(query['loginId']);
    if (loginId === undefined) {
      throw generalProblem('[missing]', 'Say which user: by email, username or loginId.');
    }
    const user = userByLoginId(store, loginId);
    if (user === undefined) throw notFound();
    response.json({ user: presentUser(user) });
  });
  router.post(['/', '/:id'], async (request: Request<{ id?: string }>, response) => {
    const id = newId(request.params.id, 'userId', 'A User', (taken) => store.users.has(taken));
    response.json(save(await readUser(store, id, bodyMember(request.body, 'user'), undefined)));
  });
  router.get('/:id', (request, response) => {
    response.json({ user: presentUser(existingUser(store, request.params.id)) });
  });
  router.put('/:id', async (request, response) => {
    const before = existingUser(store, request.params.id);
    const body = bodyMember(request.body, 'user');
    const user = await readUser(store, before.id, body, before);
    passwordChanged(store, before, user);
    response.json(save(user));
  });
  router.patch('/:id', async (request, response) => {
    const before = existingUser(store, request.params.id);
    const merged = objectOf(mergePatch({ ...before.extra, ...before }, bodyMember(request.body, 'user')));
    const user = await readUser(store, before.id, merged, before);
    passwordChanged(store, before, user);
    response.json(save(user));
  });
  router.delete('/:id', (request, response) => {
    const before = existingUser(store, request.params.id);
    revokeRefreshTokens(store, { userId: before.id });
    if (request.query['hardDelete'] === 'true') store.users.delete(before.id);
    else store.users.set(before.id, { ...before, active: false, lastUpdateInstant: Date.now() });
    response.status(200).end();
  });
  return router;
}

function passwordChanged(store: Store, before: User, after: User): void {
  const { onPasswordChanged } = store.tenant.jwtConfiguration.refreshTokenRevocationPolicy;
  if (onPasswordChanged && before.passwordHash !== after.passwordHash) {
    revokeRefreshTokens(store, { userId: after.id });
  }
}
