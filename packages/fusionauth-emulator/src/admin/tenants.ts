import { Router } from 'express';
import { mergePatch, objectOf, type JsonObject } from '../json.ts';
import { defaultJwtConfiguration } from '../store/defaults.ts';
import type { Store } from '../store/store.ts';
import type { Tenant } from '../store/types.ts';
import { notFound, Problems } from './api-error.ts';
import { bodyMember, Input } from './input.ts';
import { readJwtConfiguration } from './jwt-configuration.ts';

/** `/api/tenant`. There is one tenant. */
export function tenantRoutes(store: Store): Router {
  const router = Router();
  router.get('/', (_request, response) => {
    response.json({ tenants: [present(store.tenant)] });
  });
  router.get('/:id', (request, response) => {
    checkId(store, request.params.id);
    response.json({ tenant: present(store.tenant) });
  });
  router.put('/:id', (request, response) => {
    checkId(store, request.params.id);
    store.tenant = readTenant(store, bodyMember(request.body, 'tenant'));
    response.json({ tenant: present(store.tenant) });
  });
  router.patch('/:id', (request, response) => {
    checkId(store, request.params.id);
    const merged = mergePatch(present(store.tenant), bodyMember(request.body, 'tenant'));
    store.tenant = readTenant(store, objectOf(merged));
    response.json({ tenant: present(store.tenant) });
  });
  return router;
}

function checkId(store: Store, id: string): void {
  if (id !== store.tenant.id) throw notFound();
}

function readTenant(store: Store, body: JsonObject): Tenant {
  const problems = new Problems();
  const input = new Input(body, 'tenant', problems);
  const name = input.text('name');
  const issuer = input.text('issuer');
  if (name === undefined) {
    problems.field('blank', 'tenant.name', 'You must specify the [tenant.name] property.');
  }
  if (issuer === undefined) {
    problems.field('blank', 'tenant.issuer', 'You must specify the [tenant.issuer] property.');
  }
  const tenant: Tenant = {
    id: store.tenant.id,
    name: name ?? '',
    issuer: issuer ?? '',
    jwtConfiguration: readJwtConfiguration(
      store,
      input.child('jwtConfiguration'),
      'tenant.jwtConfiguration',
      {
        ...defaultJwtConfiguration,
        accessTokenKeyId: store.defaultSigningKeyId,
        idTokenKeyId: store.defaultSigningKeyId,
      },
      problems,
    ),
    extra: input.rest([
      'id',
      'name',
      'issuer',
      'jwtConfiguration',
      'state',
      'insertInstant',
      'lastUpdateInstant',
    ]),
    insertInstant: store.tenant.insertInstant,
    lastUpdateInstant: Date.now(),
  };
  problems.throwIfAny();
  return tenant;
}

function present({ extra, ...tenant }: Tenant): JsonObject {
  return { ...extra, ...tenant, state: 'Active' };
}
