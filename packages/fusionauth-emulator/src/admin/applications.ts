import { Router, type Request } from 'express';
import type { Context } from '../context.ts';
import { revokeRefreshTokens } from '../oauth/revocation.ts';
import { isObject, mergePatch, objectOf, textOf } from '../json.ts';
import { fusionAuthApplicationId, type Store } from '../store/store.ts';
import type { Application } from '../store/types.ts';
import { generalProblem } from './api-error.ts';
import { presentApplication, presentOAuthConfiguration, readApplication } from './application-body.ts';
import { bodyMember } from './input.ts';
import { existingApplication, newId } from './lookup.ts';
import { page, wildcard } from './search.ts';
import { scopeRoutes } from './scopes.ts';

/** `/api/application`. */
export function applicationRoutes(context: Pick<Context, 'store' | 'events'>): Router {
  const { store } = context;
  const router = Router();
  const save = (application: Application): { application: unknown } => {
    store.applications.set(application.id, application);
    return { application: presentApplication(store, application) };
  };

  router.get('/', (request, response) => {
    const active = request.query['inactive'] !== 'true';
    const applications = [...store.applications.values()].filter((item) => item.active === active);
    response.json({ applications: applications.map((item) => presentApplication(store, item)) });
  });
  router
    .route('/search')
    .get((request, response) => {
      response.json(search(store, request.query));
    })
    .post((request, response) => {
      response.json(search(store, objectOf(objectOf(request.body)['search'])));
    });
  router.post(['/', '/:id'], (request: Request<{ id?: string }>, response) => {
    const id = newId(request.params.id, 'applicationId', 'An Application', (taken) =>
      store.applications.has(taken),
    );
    response.json(save(readApplication(store, id, bodyMember(request.body, 'application'), undefined)));
  });
  router.use('/:id/scope', scopeRoutes(store));
  router.get('/:id', (request, response) => {
    response.json({ application: presentApplication(store, existingApplication(store, request.params.id)) });
  });
  router.get('/:id/oauth-configuration', (request, response) => {
    const application = existingApplication(store, request.params.id);
    response.json({
      httpSessionMaxInactiveInterval: 3_600,
      oauthConfiguration: presentOAuthConfiguration(store, application),
    });
  });
  router.put('/:id', (request, response) => {
    if (request.query['reactivate'] === 'true') {
      const inactive = existingApplication(store, request.params.id);
      response.json(save({ ...inactive, active: true, lastUpdateInstant: Date.now() }));
      return;
    }
    const before = existingApplication(store, request.params.id);
    response.json(save(readApplication(store, before.id, bodyMember(request.body, 'application'), before)));
  });
  router.patch('/:id', (request, response) => {
    const before = existingApplication(store, request.params.id);
    const merged = mergePatch(presentApplication(store, before), bodyMember(request.body, 'application'));
    const body = isObject(merged) ? merged : {};
    dropDerived(body, bodyMember(request.body, 'application'));
    response.json(save(readApplication(store, before.id, body, before)));
  });
  router.delete('/:id', async (request, response) => {
    const before = existingApplication(store, request.params.id);
    if (before.id === fusionAuthApplicationId) {
      throw generalProblem('[forbidden]', 'The FusionAuth application cannot be deleted.');
    }
    await revokeRefreshTokens(context, { applicationId: before.id }, request);
    if (request.query['hardDelete'] === 'true') store.applications.delete(before.id);
    else store.applications.set(before.id, { ...before, active: false, lastUpdateInstant: Date.now() });
    response.status(200).end();
  });
  return router;
}

/** `requireClientAuthentication` is derived from the policy; in a patch it counts only when it was sent. */
function dropDerived(merged: Record<string, unknown>, patch: Record<string, unknown>): void {
  const configuration = merged['oauthConfiguration'];
  const sent = objectOf(patch['oauthConfiguration']);
  if (!isObject(configuration) || sent['clientAuthenticationPolicy'] !== undefined) return;
  if (typeof sent['requireClientAuthentication'] === 'boolean')
    delete configuration['clientAuthenticationPolicy'];
}

function search(store: Store, criteria: Record<string, unknown>): { applications: unknown[]; total: number } {
  const name = wildcard(textOf(criteria['name']));
  const state = textOf(criteria['state']);
  const found = [...store.applications.values()]
    .filter((item) => name.test(item.name.toLowerCase()))
    .filter((item) => state === undefined || state === (item.active ? 'Active' : 'Inactive'))
    .sort((left, right) => left.name.localeCompare(right.name));
  return {
    applications: page(found, criteria).map((item) => presentApplication(store, item)),
    total: found.length,
  };
}
