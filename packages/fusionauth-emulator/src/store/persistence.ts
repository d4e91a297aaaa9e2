import type { DataFile, StoredRecord } from './data-file.ts';
import type { Entry } from './engine-records.ts';
import { restoreKey, storableKey, type StoredKey } from './stored-keys.ts';
import type { Store } from './store.ts';
import type { Tenant } from './types.ts';

/** The tables whose values are kept as they are. */
const plain = [
  'apiKeys',
  'applications',
  'users',
  'webhooks',
  'themes',
  'authorizations',
  'consents',
  'secrets',
] as const;
const engine = 'engine:';

/** Puts what a data file holds into a new store. @returns false when there is no file yet */
export async function restore(store: Store, file: DataFile): Promise<boolean> {
  const records = file.read();
  if (records === undefined) return false;
  // Not FusionAuth's own theme, which nothing deletes, and which a file of before there were themes does not have.
  for (const table of [...plain, 'keys'] as const) if (table !== 'themes') store[table].clear();
  for (const record of records) await apply(store, record);
  return true;
}

async function apply(store: Store, [table, id, value]: StoredRecord): Promise<void> {
  const name = plain.find((candidate) => candidate === table);
  if (name !== undefined) {
    if (value === undefined) store[name].delete(id);
    else store[name].set(id, value as never);
  } else if (table === 'keys') {
    if (value === undefined) store.keys.delete(id);
    else store.keys.set(id, await restoreKey(value as StoredKey));
  } else if (table === 'tenant') {
    store.tenant = value as Tenant;
  } else if (table === 'defaultSigningKeyId') {
    store.defaultSigningKeyId = String(value);
  } else if (table.startsWith(engine)) {
    const kind = table.slice(engine.length);
    if (value === undefined) store.engine.delete(kind, id);
    else store.engine.restore(kind, id, value as Entry);
  }
}

/** From now on the file holds the store, change by change. */
export async function persist(store: Store, file: DataFile): Promise<void> {
  const keys = new Map<string, StoredKey>();
  for (const key of store.keys.values()) keys.set(key.id, await storableKey(key));
  file.begin(() => snapshot(store, keys));
  for (const name of plain) {
    store[name].onChange = (id: string, value: unknown) => {
      file.append(value === undefined ? [name, id] : [name, id, value]);
    };
  }
  // A key is made when it is first needed. Its maker answers after that, and so after this.
  store.keys.onChange = (id, key) => {
    if (key === undefined) {
      keys.delete(id);
      file.append(['keys', id]);
      return;
    }
    void storableKey(key).then((stored) => {
      if (store.keys.get(id) !== key) return;
      keys.set(id, stored);
      file.append(['keys', id, stored]);
    });
  };
  store.engine.onChange = (kind, id, entry) => {
    file.append(entry === undefined ? [`${engine}${kind}`, id] : [`${engine}${kind}`, id, entry]);
  };
  store.onTenantChange = (tenant) => {
    file.append(['tenant', tenant.id, tenant]);
  };
}

function* snapshot(store: Store, keys: ReadonlyMap<string, StoredKey>): Generator<StoredRecord> {
  yield ['tenant', store.tenant.id, store.tenant];
  yield ['defaultSigningKeyId', '', store.defaultSigningKeyId];
  for (const [id, key] of keys) yield ['keys', id, key];
  for (const name of plain) {
    for (const [id, value] of store[name]) yield [name, id, value];
  }
  for (const [kind, id, entry] of store.engine.entries()) yield [`${engine}${kind}`, id, entry];
}
