import { Router, type Request } from 'express';
import type { Context } from '../context.ts';
import { mergePatch, objectOf, textOf, type JsonObject } from '../json.ts';
import { endSessions, revokeRefreshTokens } from '../oauth/revocation.ts';
import { userByLoginId } from '../store/store.ts';
import type { User } from '../store/types.ts';
import { generalProblem, notFound } from './api-error.ts';
import { bodyMember } from './input.ts';
import { existingUser, newId } from './lookup.ts';
import { registrationRoutes } from './registrations.ts';
import { presentUser, readUser } from './user-body.ts';

/** `/api/user`. */
export function userRoutes(context: Pick<Context, 'store' | 'events'>): Router {
  const { store, events } = context;
  const router = Router();
  const save = (user: User): { user: JsonObject } => {
    store.users.set(user.id, user);
    return { user: presentUser(user) };
  };
  const update = async (request: Request, before: User, body: JsonObject): Promise<{ user: JsonObject }> => {
    const user = await readUser(store, before.id, body, before);
    const { onPasswordChanged } = store.tenant.jwtConfiguration.refreshTokenRevocationPolicy;
    const fields = { original: presentUser(before), user: presentUser(user) };
    return events.change('user.update', fields, request, async () => {
      if (onPasswordChanged && before.passwordHash !== user.passwordHash) {
        await revokeRefreshTokens(context, { userId: user.id }, request);
      }
      return save(user);
    });
  };

  router.use('/registration', registrationRoutes(context));
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
    const user = await readUser(store, id, bodyMember(request.body, 'user'), undefined);
    const created = await events.change('user.create', { user: presentUser(user) }, request, () =>
      save(user),
    );
    response.json(created);
  });
  router.get('/:id', (request, response) => {
    response.json({ user: presentUser(existingUser(store, request.params.id)) });
  });
  router.put('/:id', async (request, response) => {
    const before = existingUser(store, request.params.id);
    if (request.query['reactivate'] === 'true') {
      const user = { ...before, active: true, lastUpdateInstant: Date.now() };
      await events.publish('user.reactivate', { user: presentUser(user) }, request);
      response.json(save(user));
      return;
    }
    response.json(await update(request, before, bodyMember(request.body, 'user')));
  });
  router.patch('/:id', async (request, response) => {
    const before = existingUser(store, request.params.id);
    const merged = objectOf(mergePatch({ ...before.extra, ...before }, bodyMember(request.body, 'user')));
    response.json(await update(request, before, merged));
  });
  router.delete('/:id', async (request, response) => {
    const before = existingUser(store, request.params.id);
    if (request.query['hardDelete'] === 'true') {
      await events.change('user.delete', { user: presentUser(before) }, request, async () => {
        await revokeRefreshTokens(context, { userId: before.id }, request);
        endSessions(store, before.id);
        store.users.delete(before.id);
      });
    } else {
      const user = { ...before, active: false, lastUpdateInstant: Date.now() };
      await events.publish('user.deactivate', { user: presentUser(user) }, request);
      await revokeRefreshTokens(context, { userId: before.id }, request);
      endSessions(store, before.id);
      save(user);
    }
    response.status(200).end();
  });
  return router;
}
