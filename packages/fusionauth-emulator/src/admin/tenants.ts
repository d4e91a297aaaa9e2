import { Router, type Request } from 'express';
import type { Context } from '../context.ts';
import { mergePatch, objectOf, textsOf, type JsonObject } from '../json.ts';
import { defaultJwtConfiguration } from '../store/defaults.ts';
import type { Store } from '../store/store.ts';
import type { Tenant } from '../store/types.ts';
import { fieldProblem, notFound, Problems } from './api-error.ts';
import { bodyMember, Input } from './input.ts';
import { readEventConfiguration } from './event-configuration.ts';
import { announceSigningKeys } from './signing-keys.ts';
import { readJwtConfiguration } from './jwt-configuration.ts';

/** `/api/tenant`. There is one tenant. */
export function tenantRoutes({ store, events }: Pick<Context, 'store' | 'events'>): Router {
  const save = async (request: Request, tenant: Tenant): Promise<JsonObject> => {
    if (signingKeys(tenant) !== signingKeys(store.tenant)) {
      await announceSigningKeys({ store, events }, request);
    }
    assignWebhooks(store, objectOf(request.body)['webhookIds']);
    store.tenant = tenant;
    return { tenant: present(tenant) };
  };
  const router = Router();
  router.get('/', (_request, response) => {
    response.json({ tenants: [present(store.tenant)] });
  });
  router.get('/:id', (request, response) => {
    checkId(store, request.params.id);
    response.json({ tenant: present(store.tenant) });
  });
  router.put('/:id', async (request, response) => {
    checkId(store, request.params.id);
    response.json(await save(request, readTenant(store, bodyMember(request.body, 'tenant'))));
  });
  router.patch('/:id', async (request, response) => {
    checkId(store, request.params.id);
    const merged = mergePatch(present(store.tenant), bodyMember(request.body, 'tenant'));
    response.json(await save(request, readTenant(store, objectOf(merged))));
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
    eventConfiguration: readEventConfiguration(input.child('eventConfiguration')),
    extra: input.rest([
      'id',
      'name',
      'issuer',
      'jwtConfiguration',
      'eventConfiguration',
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

/** `webhookIds` beside the tenant: the webhooks that belong to it. */
function assignWebhooks(store: Store, webhookIds: unknown): void {
  for (const id of textsOf(webhookIds)) {
    const webhook = store.webhooks.get(id);
    if (webhook === undefined) {
      throw fieldProblem('invalid', 'webhookIds', `There is no webhook with the id [${id}].`);
    }
    const tenantIds = [...new Set([...webhook.tenantIds, store.tenant.id])];
    store.webhooks.set(id, { ...webhook, tenantIds });
  }
}

function signingKeys({ jwtConfiguration }: Tenant): string {
  return `${jwtConfiguration.accessTokenKeyId ?? ''} ${jwtConfiguration.idTokenKeyId ?? ''}`;
}

function present({ extra, eventConfiguration, ...tenant }: Tenant): JsonObject {
  return { ...extra, ...tenant, eventConfiguration: { events: eventConfiguration }, state: 'Active' };
}
