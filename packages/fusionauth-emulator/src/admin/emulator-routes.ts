import { randomUUID } from 'node:crypto';
import express, { Router } from 'express';
import type { Context } from '../context.ts';
import { readFaults } from '../faults.ts';
import { objectOf, type JsonObject } from '../json.ts';
import { refreshTokens } from '../oauth/refresh-tokens.ts';
import { revokeRefreshTokens } from '../oauth/revocation.ts';
import { createKey } from '../store/keys.ts';
import { requireApiKey } from './api-key.ts';
import { announceSigningKeys } from './signing-keys.ts';

/** `/emulator/`: what FusionAuth does not have, for tests. Needs an API key. */
export function emulatorRoutes(context: Context): Router {
  const { store, faults } = context;
  const router = Router();
  router.use(requireApiKey(store), express.json());
  const present = (): JsonObject => ({ faults: faults.list, clockShiftSeconds: faults.clockShiftSeconds });
  router
    .route('/faults')
    .get((_request, response) => {
      response.json(present());
    })
    .put((request, response) => {
      Object.assign(faults, readFaults(request.body));
      response.json(present());
    })
    .delete((_request, response) => {
      Object.assign(faults, readFaults({}));
      response.json(present());
    });
  // Every session and every refresh token, of everybody.
  router.post('/revoke-everything', async (request, response) => {
    const users = new Set(refreshTokens(store).map(({ userId }) => userId));
    for (const userId of users) await revokeRefreshTokens(context, { userId }, request);
    for (const [id] of store.engine.all('Session')) store.engine.delete('Session', id);
    response.json({ users: users.size });
  });
  // New keys of the same kind for whatever signs now. With `forget` the old ones go at once, and what they signed with them.
  router.post('/rotate-keys', async (request, response) => {
    const before = store.tenant.jwtConfiguration;
    const { accessTokenKeyId, idTokenKeyId } = before;
    const successors = new Map<string, string>();
    for (const id of new Set([accessTokenKeyId, idTokenKeyId])) {
      const old = store.keys.get(id ?? '');
      if (old === undefined) continue;
      const key = createKey({
        id: randomUUID(),
        name: `${old.name.replace(/ \([0-9a-f]{8}\)$/u, '')} (${randomUUID().slice(0, 8)})`,
        algorithm: old.algorithm,
        length: old.length,
      });
      store.keys.set(key.id, key);
      successors.set(old.id, key.id);
    }
    store.tenant = {
      ...store.tenant,
      jwtConfiguration: {
        ...before,
        accessTokenKeyId: successors.get(accessTokenKeyId ?? ''),
        idTokenKeyId: successors.get(idTokenKeyId ?? ''),
      },
    };
    if (objectOf(request.body)['forget'] === true) {
      for (const id of successors.keys()) store.keys.delete(id);
    }
    await announceSigningKeys(context, request);
    response.json({ keyIds: [...successors.values()] });
  });
  return router;
}
