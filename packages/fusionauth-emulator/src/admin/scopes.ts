import { Router, type Request } from 'express';
import { mergePatch, objectOf, type JsonObject } from '../json.ts';
import type { Store } from '../store/store.ts';
import type { Application, Scope } from '../store/types.ts';
import { notFound, Problems } from './api-error.ts';
import { bodyMember, Input } from './input.ts';
import { checkScopeLicense } from './license.ts';
import { existingApplication, newId } from './lookup.ts';

interface Params {
  id: string;
  scopeId?: string;
}

/** `/api/application/{id}/scope`. */
export function scopeRoutes(store: Store): Router {
  const router = Router({ mergeParams: true });
  const save = (application: Application, scope: Scope): { scope: Scope } => {
    const others = application.scopes.filter(({ id }) => id !== scope.id);
    store.applications.set(application.id, { ...application, scopes: [...others, scope] });
    return { scope };
  };

  router.post(['/', '/:scopeId'], (request: Request<Params>, response) => {
    const application = existingApplication(store, request.params.id);
    const id = newId(request.params.scopeId, 'scopeId', 'A scope', (taken) =>
      application.scopes.some((scope) => scope.id === taken),
    );
    response.json(save(application, readScope(store, application, id, bodyMember(request.body, 'scope'))));
  });
  router.get('/:scopeId', (request: Request<Params>, response) => {
    response.json({ scope: scopeOf(existingApplication(store, request.params.id), request.params.scopeId) });
  });
  router.put('/:scopeId', (request: Request<Params>, response) => {
    const application = existingApplication(store, request.params.id);
    const before = scopeOf(application, request.params.scopeId);
    const body = { ...bodyMember(request.body, 'scope'), name: before.name };
    response.json(save(application, readScope(store, application, before.id, body, before)));
  });
  router.patch('/:scopeId', (request: Request<Params>, response) => {
    const application = existingApplication(store, request.params.id);
    const before = scopeOf(application, request.params.scopeId);
    const merged = objectOf(mergePatch(before, bodyMember(request.body, 'scope')));
    const body = { ...merged, name: before.name };
    response.json(save(application, readScope(store, application, before.id, body, before)));
  });
  router.delete('/:scopeId', (request: Request<Params>, response) => {
    const application = existingApplication(store, request.params.id);
    const before = scopeOf(application, request.params.scopeId);
    store.applications.set(application.id, {
      ...application,
      scopes: application.scopes.filter(({ id }) => id !== before.id),
    });
    response.status(200).end();
  });
  return router;
}

function scopeOf(application: Application, id: string | undefined): Scope {
  const scope = application.scopes.find((candidate) => candidate.id === id);
  if (scope === undefined) throw notFound();
  return scope;
}

/** The name of a scope cannot be changed, so an update comes with the one it has. */
function readScope(
  store: Store,
  application: Application,
  id: string,
  body: JsonObject,
  before?: Scope,
): Scope {
  const problems = new Problems();
  const input = new Input(body, 'scope', problems);
  checkScopeLicense(store, problems);
  const name = input.text('name');
  if (name === undefined) {
    problems.field('blank', 'scope.name', 'You must specify the [scope.name] property.');
    // RFC 6749 section 3.3: the characters that a scope may have.
  } else if (!/^[\u0021\u0023-\u005b\u005d-\u007e]+$/u.test(name)) {
    problems.field('invalid', 'scope.name', 'The [scope.name] has characters that no scope may have.');
  } else if (application.scopes.some((scope) => scope.id !== id && scope.name === name)) {
    problems.field('duplicate', 'scope.name', `A scope with the [scope.name] of [${name}] already exists.`);
  } else if (['openid', 'offline_access', 'profile', 'email', 'phone', 'address'].includes(name)) {
    problems.field('reserved', 'scope.name', `The [scope.name] of [${name}] is reserved.`);
  }
  const now = Date.now();
  const scope: Scope = {
    id,
    applicationId: application.id,
    name: name ?? '',
    description: input.text('description'),
    defaultConsentMessage: input.text('defaultConsentMessage'),
    defaultConsentDetail: input.text('defaultConsentDetail'),
    required: input.flag('required', false),
    data: objectOf(body['data']),
    insertInstant: before?.insertInstant ?? now,
    lastUpdateInstant: now,
  };
  problems.throwIfAny();
  return scope;
}
