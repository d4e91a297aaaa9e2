import { Router, type Request } from 'express';
import { mergePatch, objectOf, textOf, type JsonObject } from '../json.ts';
import type { Store } from '../store/store.ts';
import type { Webhook } from '../store/types.ts';
import { notFound, Problems } from './api-error.ts';
import { bodyMember, Input } from './input.ts';
import { newId } from './lookup.ts';
import { page, wildcard } from './search.ts';

/** `/api/webhook`. */
export function webhookRoutes(store: Store): Router {
  const router = Router();
  const save = (webhook: Webhook): JsonObject => {
    store.webhooks.set(webhook.id, webhook);
    return { webhook };
  };

  router.get('/', (_request, response) => {
    response.json({ webhooks: [...store.webhooks.values()] });
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
    const id = newId(request.params.id, 'webhookId', 'A Webhook', (taken) => store.webhooks.has(taken));
    response.json(save(readWebhook(store, id, bodyMember(request.body, 'webhook'), undefined)));
  });
  router.get('/:id', (request, response) => {
    response.json({ webhook: existing(store, request.params.id) });
  });
  router.put('/:id', (request, response) => {
    const before = existing(store, request.params.id);
    response.json(save(readWebhook(store, before.id, bodyMember(request.body, 'webhook'), before)));
  });
  router.patch('/:id', (request, response) => {
    const before = existing(store, request.params.id);
    const merged = objectOf(mergePatch(before, bodyMember(request.body, 'webhook')));
    response.json(save(readWebhook(store, before.id, merged, before)));
  });
  router.delete('/:id', (request, response) => {
    store.webhooks.delete(existing(store, request.params.id).id);
    response.status(200).end();
  });
  return router;
}

function existing(store: Store, id: string): Webhook {
  const webhook = store.webhooks.get(id);
  if (webhook === undefined) throw notFound();
  return webhook;
}

function readWebhook(store: Store, id: string, body: JsonObject, before: Webhook | undefined): Webhook {
  const problems = new Problems();
  const input = new Input(body, 'webhook', problems);
  const url = input.text('url');
  if (url === undefined) {
    problems.field('blank', 'webhook.url', 'You must specify the [webhook.url] property.');
  } else if (!/^https?:$/u.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    problems.field('invalid', 'webhook.url', `The [webhook.url] of [${url}] is not an http or https URL.`);
  }
  const timeout = (name: 'connectTimeout' | 'readTimeout'): number => {
    if (body[name] === undefined) {
      problems.field('missing', `webhook.${name}`, `You must specify the [webhook.${name}] property.`);
    }
    return input.count(name, 1);
  };
  const tenantIds = input.texts('tenantIds', []);
  const stranger = tenantIds.find((tenantId) => tenantId !== store.tenant.id);
  if (stranger !== undefined) {
    problems.field('invalid', 'webhook.tenantIds', `There is no tenant with the id [${stranger}].`);
  }
  const signature = input.child('signatureConfiguration');
  const signed = signature.flag('enabled', false);
  const signingKeyId = signature.text('signingKeyId');
  const keyField = 'webhook.signatureConfiguration.signingKeyId';
  if (signed && signingKeyId === undefined) {
    problems.field('missing', keyField, `You must specify the [${keyField}] property.`);
  } else if (signingKeyId !== undefined && !store.keys.has(signingKeyId)) {
    problems.field('invalid', keyField, `There is no key with the id [${signingKeyId}].`);
  }
  const now = Date.now();
  const webhook: Webhook = {
    id,
    url: url ?? '',
    connectTimeout: timeout('connectTimeout'),
    readTimeout: timeout('readTimeout'),
    description: input.text('description'),
    global: input.flag('global', false),
    tenantIds,
    eventsEnabled: flags(body['eventsEnabled']),
    headers: texts(body['headers']),
    httpAuthenticationUsername: input.text('httpAuthenticationUsername'),
    httpAuthenticationPassword: input.text('httpAuthenticationPassword'),
    signatureConfiguration: { enabled: signed, signingKeyId },
    data: objectOf(body['data']),
    insertInstant: before?.insertInstant ?? now,
    lastUpdateInstant: now,
  };
  problems.throwIfAny();
  return webhook;
}

function flags(value: unknown): Record<string, boolean> {
  return Object.fromEntries(Object.entries(objectOf(value)).map(([name, on]) => [name, on === true]));
}

function texts(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(objectOf(value)).map(([name, text]) => [name, String(text)]));
}

function search(store: Store, criteria: Record<string, unknown>): JsonObject {
  const description = wildcard(textOf(criteria['description']));
  const url = wildcard(textOf(criteria['url']));
  const tenantId = textOf(criteria['tenantId']);
  const found = [...store.webhooks.values()]
    .filter((webhook) => description.test((webhook.description ?? '').toLowerCase()))
    .filter((webhook) => url.test(webhook.url.toLowerCase()))
    .filter(({ global, tenantIds }) => tenantId === undefined || global || tenantIds.includes(tenantId));
  return { webhooks: page(found, criteria), total: found.length };
}
