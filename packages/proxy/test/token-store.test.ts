import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateFolder } from '../src/state-folder.ts';
import { FileTokenStore } from '../src/token-store/file.ts';
import { SignInIndex } from '../src/token-store/index-file.ts';
import { KeychainTokenStore } from '../src/token-store/keychain.ts';
import { MemoryTokenStore } from '../src/token-store/memory.ts';
import { parseTokenSet, serializeTokenSet } from '../src/token-store/token-set-format.ts';
import {
  accountOf,
  type SignInEntry,
  type SignInKey,
  type TokenStore,
} from '../src/token-store/token-store.ts';
import { everythingIn, failureOf, refusalOf } from './support/failure.ts';
import { SecretCells } from './support/secret-cells.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { key, tokenSet } from './support/token-sets.ts';

const account = accountOf(key);
const entry: SignInEntry = { ...key, issuer: tokenSet().issuer, store: 'keychain' };

/** Of the examples of RFC 7517, appendix A.2. */
const exampleKey = {
  alg: 'ES256',
  kty: 'EC',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
  d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE',
};

/** What a sign-in leaves of which nothing may be lost: a client that registered itself, and more than one token. */
const everything = tokenSet({
  idToken: 'id-1',
  tokenType: 'DPoP',
  proofKey: exampleKey,
  refreshTokenId: 'refresh-id-1',
  requestedScope: 'openid',
  client: {
    clientId: 'dynamic-1',
    clientSecret: 'secret-1',
    authenticationMethod: 'client_secret_post',
    registration: {
      redirectUri: 'http://localhost:3334/oauth/callback',
      scope: 'openid',
      clientUri: 'https://login.example.com/register/dynamic-1',
      accessToken: 'registration-1',
    },
  },
});

async function keychainStore(limit?: number) {
  const folder = new StateFolder(await temporaryFolder());
  const cells = new SecretCells(limit);
  const index = new SignInIndex(folder);
  return { cells, index, folder, store: new KeychainTokenStore(cells.open, index, limit) };
}

async function fileStore(passphrase?: string): Promise<TokenStore> {
  const folder = new StateFolder(await temporaryFolder());
  return new FileTokenStore(folder, new SignInIndex(folder), passphrase);
}

const stores: Record<string, () => Promise<TokenStore>> = {
  'the memory store': () => Promise.resolve(new MemoryTokenStore()),
  'the keychain store': async () => (await keychainStore()).store,
  'the keychain store in parts': async () => (await keychainStore(180)).store,
  'the file store': () => fileStore(),
  'the file store with a passphrase': () => fileStore('passphrase'),
};

describe.each(Object.entries(stores))('%s', (_name, create) => {
  it('gives back what was saved last, every field of it', async () => {
    const store = await create();
    expect(await store.load(key)).toBeUndefined();
    await store.save(key, tokenSet());
    expect(await store.load(key)).toEqual(tokenSet());
    await store.save(key, everything);
    expect(await store.load(key)).toEqual(everything);
    const least = tokenSet({ refreshToken: undefined, expiresAt: undefined, scope: undefined });
    await store.save(key, least);
    expect(await store.load(key)).toEqual(least);
  });

  it.each([
    ['server', { server: 'https://mcp.example.com/other' }],
    ['client', { clientId: 'client-2' }],
    ['profile', { profile: 'work' }],
  ])('keeps sign-ins apart that differ in the %s', async (_field, difference) => {
    const store = await create();
    const other: SignInKey = { ...key, ...difference };
    await store.save(key, tokenSet());
    expect(await store.load(other)).toBeUndefined();
    await store.save(other, tokenSet({ accessToken: 'access-2' }));
    expect(await store.delete(key)).toBe(true);
    expect((await store.load(other))?.accessToken).toBe('access-2');
  });

  it('lists what it has, without secrets, until that is deleted', async () => {
    const store = await create();
    expect(await store.list()).toEqual([]);
    await store.save(key, tokenSet());
    await store.save(key, tokenSet({ accessToken: 'access-2' }));
    expect(await store.list()).toEqual([{ ...entry, store: store.kind }]);
    expect(await store.delete(key)).toBe(true);
    expect(await store.delete(key)).toBe(false);
    expect(await store.list()).toEqual([]);
    expect(await store.load(key)).toBeUndefined();
  });
});

describe('the keychain store', () => {
  it('keeps a sign-in in one item where it fits, named for people, and updates it in place', async () => {
    const { store, cells } = await keychainStore();
    await store.save(key, tokenSet());
    await store.save(key, tokenSet({ accessToken: 'access-2' }));
    expect([...cells.items.keys()]).toEqual(['https://mcp.example.com/mcp client client-1']);
    expect(accountOf({ ...key, profile: 'work' })).toBe(`${account} profile work`);
  });

  it('keeps nothing secret in its index', async () => {
    const { store, folder } = await keychainStore();
    await store.save(key, tokenSet());
    const index = await folder.read('sign-ins.json');
    expect(index).toContain(key.server);
    expect(index).not.toMatch(/access-1|refresh-1/u);
  });

  it('says that the keychain failed when what was written does not come back', async () => {
    const { store, cells } = await keychainStore();
    await store.save(key, tokenSet());
    cells.forgets = true;
    const { code, message } = await refusalOf(() => store.save(key, tokenSet({ accessToken: 'access-2' })));
    expect(code).toBe('keychain-failed');
    expect(message).toContain('does not come back');
  });

  it('passes an error of the keychain on: it never means signed out', async () => {
    const { index } = await keychainStore();
    const { errors } = await import('../src/errors.ts');
    const locked = errors.keychainLocked();
    const store = new KeychainTokenStore(
      () => ({
        read: () => Promise.reject(locked),
        write: () => Promise.reject(locked),
        remove: () => Promise.reject(locked),
      }),
      index,
    );
    await expect(store.load(key)).rejects.toBe(locked);
    await expect(store.save(key, tokenSet())).rejects.toBe(locked);
    await expect(store.delete(key)).rejects.toBe(locked);
  });

  it.each([
    ['no JSON', 'access-1', 'it is not JSON'],
    ['JSON of something else', '"access-1"', 'it is not an object'],
    ['an object of something else', '{"token":"access-1"}', 'its format is "unknown"'],
    [
      'a newer format',
      '{"keyhole":2,"accessToken":"access-1"}',
      'its format is 2; this version reads format 1',
    ],
    ['no access token', '{"keyhole":1,"refreshToken":"access-1"}', 'accessToken is missing'],
    ['a token that is a number', '{"keyhole":1,"accessToken":7}', 'accessToken is missing'],
  ])('says of %s that the sign-in is unreadable, and leaves it as it is', async (_what, text, why) => {
    const { store, cells } = await keychainStore();
    cells.items.set(account, Buffer.from(text));
    const error = await refusalOf(() => store.load(key));
    expect(error.code).toBe('sign-in-unreadable');
    expect(error.message).toContain(account);
    expect(error.message).toContain(why);
    expect(everythingIn(error)).not.toContain('access-1');
    expect(String(cells.items.get(account))).toBe(text);
    expect(await store.delete(key)).toBe(true);
  });
});

describe('a sign-in larger than an item of the keychain', () => {
  const limit = 180;
  const large = (name: string) => tokenSet({ accessToken: name + 'ü'.repeat(400) });

  it('is kept in parts that fit, behind a manifest without secrets', async () => {
    const { store, cells } = await keychainStore(limit);
    await store.save(key, large('first'));
    expect(cells.items.size).toBeGreaterThan(4);
    for (const item of cells.items.values()) expect(item.length).toBeLessThanOrEqual(limit);
    expect(String(cells.items.get(account))).not.toMatch(/access|first|refresh-1/u);
    expect(await store.load(key)).toEqual(large('first'));
  });

  it('leaves no part of the former one when it is replaced or deleted', async () => {
    const { store, cells } = await keychainStore(limit);
    await store.save(key, large('first'));
    const parts = cells.items.size;
    await store.save(key, large('other'));
    expect(cells.items.size).toBe(parts);
    await store.save(key, tokenSet({ refreshToken: undefined, scope: undefined }));
    expect([...cells.items.keys()]).toEqual([account]);
    await store.delete(key);
    expect(cells.items.size).toBe(0);
  });

  it('is written head last, so that the old one is readable however early a writing ends', async () => {
    for (const before of [large('first'), tokenSet({ refreshToken: undefined })]) {
      for (let written = 0; ; written += 1) {
        const { store, cells } = await keychainStore(limit);
        await store.save(key, before);
        let writes = 0;
        cells.beforeWrite = () => {
          if (writes === written) throw new Error('killed');
          writes += 1;
        };
        const outcome = await store.save(key, large('second')).catch((error: unknown) => error);
        if (outcome === undefined) {
          expect(written).toBeGreaterThan(4);
          expect(await store.load(key)).toEqual(large('second'));
          break;
        }
        expect(await store.load(key)).toEqual(before);
      }
    }
  });

  it.each([
    ['a part is missing', (items: Map<string, Buffer>, part: string) => items.delete(part), 'is missing'],
    [
      'a part is of another writing',
      (items: Map<string, Buffer>, part: string) => items.set(part, Buffer.from('x')),
      'do not belong together',
    ],
  ])('is unreadable, not signed out, when %s', async (_what, damage, why) => {
    const { store, cells } = await keychainStore(limit);
    await store.save(key, large('first'));
    const part = [...cells.items.keys()].find((name) => name.endsWith('-3')) ?? '';
    damage(cells.items, part);
    const { code, message } = await refusalOf(() => store.load(key));
    expect(code).toBe('sign-in-unreadable');
    expect(message).toContain(why);
    expect(await store.delete(key)).toBe(true);
    expect(cells.items.size).toBe(0);
  });
});

describe('the stored format', () => {
  it('of version 1 stays readable', async () => {
    const file = path.join(import.meta.dirname, 'fixtures', 'token-set-format-1.json');
    expect(parseTokenSet(await readFile(file, 'utf8'))).toEqual({
      accessToken: 'eyJhbGciOiJub25lIn0.fixture',
      refreshToken: 'refresh-of-format-1',
      expiresAt: 1_795_305_600_000,
      scope: 'openid profile offline_access get_name',
      issuer: 'http://localhost:9011',
      resource: 'http://localhost:8000/mcp',
    });
  });

  it('of version 1 stays readable with all that it can have', async () => {
    const file = path.join(import.meta.dirname, 'fixtures', 'token-set-format-1-everything.json');
    expect(parseTokenSet(await readFile(file, 'utf8'))).toEqual(everything);
  });

  it('keeps of a client without a registration what it has', () => {
    const tokens = tokenSet({ client: { clientId: 'https://client.example.com/keyhole.json' } });
    expect(parseTokenSet(serializeTokenSet(tokens))).toEqual(tokens);
  });

  it.each([
    ['expiresAt', 'tomorrow', 'expiresAt is not a number'],
    ['issuer', '', 'issuer is missing'],
    ['resource', 7, 'resource is missing'],
    ['idToken', '', 'idToken is missing'],
    ['client', {}, 'client has no clientId'],
    ['client', 'client-1', 'client has no clientId'],
    ['scope', 7, 'scope is missing'],
    ['tokenType', 'MAC', 'tokenType is unknown'],
    ['tokenType', 'DPoP', 'proofKey is missing'],
    ['proofKey', 'a key', 'proofKey is not a private key'],
    ['proofKey', { ...exampleKey, d: undefined }, 'proofKey is not a private key'],
    ['proofKey', { ...exampleKey, d: 7 }, 'proofKey is not a private key'],
  ])('is refused with %s %j', async (field, value, why) => {
    const content = JSON.parse(serializeTokenSet(tokenSet())) as Record<string, unknown>;
    const { message } = await failureOf(() => parseTokenSet(JSON.stringify({ ...content, [field]: value })));
    expect(message).toBe(why);
  });
});

describe('the index of sign-ins', () => {
  it.each([
    ['is empty', ''],
    ['ends early', '{"version":1,"signIns":[{"server":"htt'],
    ['is a list', '[]'],
    ['is null', 'null'],
    ['has something else as its list', '{"signIns":{"server":"a"}}'],
    ['has entries that are none', '{"signIns":[null,7,{"server":"a"},{"server":1,"clientId":"c"}]}'],
  ])('counts as empty when its file %s, and is written anew', async (_what, text) => {
    const { index, folder } = await keychainStore();
    await folder.write('sign-ins.json', text);
    expect(await index.list()).toEqual([]);
    await index.put(entry);
    expect(await index.list()).toEqual([entry]);
  });

  it.each(['memory', 'elsewhere', undefined])('drops an entry whose store is %j', async (store) => {
    const { index, folder } = await keychainStore();
    await folder.write(
      'sign-ins.json',
      JSON.stringify({ version: 1, signIns: [{ ...entry, store }, entry] }),
    );
    expect(await index.list()).toEqual([entry]);
  });

  it('knows whether it has a sign-in, of that client and profile and no other', async () => {
    const { index } = await keychainStore();
    expect(await index.has(key)).toBe(false);
    await index.put(entry);
    expect(await index.has(key)).toBe(true);
    expect(await index.has({ ...key, profile: 'work' })).toBe(false);
    expect(await index.has({ ...key, clientId: '' })).toBe(false);
    await index.remove(key);
    expect(await index.has(key)).toBe(false);
  });

  it('drops fields that it does not know', async () => {
    const { index, folder } = await keychainStore();
    const signIns = [{ ...entry, accessToken: 'access-1' }];
    await folder.write('sign-ins.json', JSON.stringify({ version: 1, signIns }));
    expect(await index.list()).toEqual([entry]);
  });

  it('loses nothing when several processes write at once', async () => {
    const { index, folder } = await keychainStore();
    const entries = ['a', 'b', 'c', 'd'].map((clientId) => ({ ...entry, clientId }));
    await Promise.all(entries.map((one) => new SignInIndex(new StateFolder(folder.path)).put(one)));
    expect(await index.list()).toEqual(entries);
  });
});
