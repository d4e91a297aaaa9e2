import { messageOf } from '@mcp-keyhole/cli-kit';
import { Router, type Request } from 'express';
import type { JsonObject } from '../json.ts';
import { createKey, keyAlgorithms, pemMaterial, secretMaterial, type SigningKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { fieldProblem, notFound, Problems } from './api-error.ts';
import { bodyMember, Input } from './input.ts';
import { newId } from './lookup.ts';

/** `/api/key`. Private keys and secrets never leave. */
export function keyRoutes(store: Store): Router {
  const router = Router();
  router.get('/', async (_request, response) => {
    response.json({ keys: await Promise.all([...store.keys.values()].map(present)) });
  });
  router.post(['/generate', '/generate/:id'], async (request: Request<{ id?: string }>, response) => {
    const id = newId(request.params.id, 'keyId', 'A Key', (taken) => store.keys.has(taken));
    const key = readKey(store, id, bodyMember(request.body, 'key'));
    store.keys.set(id, key);
    response.json({ key: await present(key) });
  });
  router.post(['/import', '/import/:id'], async (request: Request<{ id?: string }>, response) => {
    const id = newId(request.params.id, 'keyId', 'A Key', (taken) => store.keys.has(taken));
    const key = await importKey(store, id, bodyMember(request.body, 'key'));
    store.keys.set(id, key);
    response.json({ key: await present(key) });
  });
  router.put('/:id', async (request, response) => {
    const before = existingKey(store, request.params.id);
    const problems = new Problems();
    const name = readName(
      store,
      before.id,
      new Input(bodyMember(request.body, 'key'), 'key', problems),
      problems,
    );
    problems.throwIfAny();
    const key = { ...before, name };
    store.keys.set(key.id, key);
    response.json({ key: await present(key) });
  });
  router.get('/:id', async (request, response) => {
    response.json({ key: await present(existingKey(store, request.params.id)) });
  });
  router.delete('/:id', (request, response) => {
    const key = existingKey(store, request.params.id);
    const { accessTokenKeyId, idTokenKeyId } = store.tenant.jwtConfiguration;
    if ([accessTokenKeyId, idTokenKeyId, store.defaultSigningKeyId].includes(key.id)) {
      throw fieldProblem('inUse', 'keyId', 'The key is in use and cannot be deleted.');
    }
    store.keys.delete(key.id);
    response.status(200).end();
  });
  return router;
}

function existingKey(store: Store, id: string): SigningKey {
  const key = store.keys.get(id);
  if (key === undefined) throw notFound();
  return key;
}

function readName(store: Store, id: string, input: Input, problems: Problems): string {
  const name = input.text('name');
  if (name === undefined) {
    problems.field('blank', 'key.name', 'You must specify the [key.name] property.');
  } else if ([...store.keys.values()].some((key) => key.id !== id && key.name === name)) {
    problems.field('duplicate', 'key.name', `A Key with the [key.name] of [${name}] already exists.`);
  }
  return name ?? '';
}

/** An HMAC key comes as its `secret`, any other as its `privateKey` in PEM. */
async function importKey(store: Store, id: string, body: JsonObject): Promise<SigningKey> {
  const problems = new Problems();
  const input = new Input(body, 'key', problems);
  const name = readName(store, id, input, problems);
  const algorithm = input.choice('algorithm', keyAlgorithms, 'RS256');
  const member = algorithm.startsWith('HS') ? 'secret' : 'privateKey';
  const text = input.text(member);
  if (text === undefined) {
    problems.field('blank', `key.${member}`, `You must specify the [key.${member}] property.`);
  }
  problems.throwIfAny();
  if (algorithm.startsWith('HS')) {
    return createKey({ id, name, algorithm, imported: secretMaterial(id, text ?? '') });
  }
  const imported = await pemMaterial(text ?? '', algorithm).catch((error: unknown) => {
    throw fieldProblem('invalid', 'key.privateKey', `The key cannot be read: ${messageOf(error)}.`);
  });
  return createKey({ id, name, algorithm, imported });
}

function readKey(store: Store, id: string, body: JsonObject): SigningKey {
  const problems = new Problems();
  const input = new Input(body, 'key', problems);
  const name = readName(store, id, input, problems);
  if (input.text('algorithm') === undefined) {
    problems.field('blank', 'key.algorithm', 'You must specify the [key.algorithm] property.');
  }
  const algorithm = input.choice('algorithm', keyAlgorithms, 'RS256');
  const length = algorithm.startsWith('RS') ? input.count('length', 2_048, 2_048) : undefined;
  if (length !== undefined && ![2_048, 3_072, 4_096].includes(length)) {
    problems.field('invalid', 'key.length', 'The [key.length] of an RSA key has to be 2048, 3072 or 4096.');
  }
  problems.throwIfAny();
  return createKey({ id, name, algorithm, ...(length === undefined ? {} : { length }) });
}

async function present(key: SigningKey): Promise<JsonObject> {
  const material = await key.material();
  const shown = {
    id: key.id,
    name: key.name,
    algorithm: key.algorithm,
    length: key.length,
    kid: material.kid,
    insertInstant: key.insertInstant,
    lastUpdateInstant: key.insertInstant,
  };
  if ('secret' in material) return { ...shown, type: 'HMAC', hasPrivateKey: false };
  return {
    ...shown,
    type: key.algorithm.startsWith('RS') ? 'RSA' : 'EC',
    hasPrivateKey: true,
    publicKey: material.public.export({ type: 'spki', format: 'pem' }),
  };
}
