import type { Adapter, AdapterPayload } from 'oidc-provider';
import { activeApplication, type Store } from '../store/store.ts';

/** How the engine reads and writes the store. Each application is a client to it, as long as it is active. */
export function createEngineAdapter(store: Store): (kind: string) => Adapter {
  const { engine } = store;
  const byUid = (kind: string, uid: string): AdapterPayload | undefined =>
    engine.all(kind).find(([, payload]) => payload.uid === uid)?.[1];
  return (kind) => ({
    upsert: (id, payload, lifetime) => {
      engine.set(kind, id, payload, lifetime);
      return Promise.resolve();
    },
    find: (id) => Promise.resolve(kind === 'Client' ? clientOf(store, id) : engine.get(kind, id)),
    findByUid: (uid) => Promise.resolve(byUid(kind, uid)),
    // Only the device grant looks for a user code, and the engine's is not in use.
    findByUserCode: () => Promise.resolve(undefined),
    consume: (id) => {
      consume(store, kind, id);
      return Promise.resolve();
    },
    destroy: (id) => {
      engine.delete(kind, id);
      return Promise.resolve();
    },
    revokeByGrantId: (grantId) => {
      for (const [id, payload] of engine.all(kind)) if (payload.grantId === grantId) engine.delete(kind, id);
      return Promise.resolve();
    },
  });
}

function consume(store: Store, kind: string, id: string): void {
  const payload = store.engine.get(kind, id);
  if (payload === undefined) return;
  const now = Math.floor(Date.now() / 1_000);
  store.engine.set(kind, id, { ...payload, consumed: now }, (payload.exp ?? now) - now);
}

/**
 * FusionAuth's rules for redirect URIs and client authentication are applied around the engine (`redirect-uri.ts`,
 * `client-authentication.ts`), so every client is public to it and its redirect URI here is never compared.
 */
function clientOf(store: Store, id: string): AdapterPayload | undefined {
  if (activeApplication(store, id) === undefined) return undefined;
  return {
    client_id: id,
    redirect_uris: ['https://unused.invalid/'],
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    id_token_signed_response_alg: 'ES256',
  };
}
