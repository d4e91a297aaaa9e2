import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateFolder } from '../src/state-folder.ts';
import { keychainTexts, openSecretStore, SecretIndex, SecretStore } from '../src/token-store/secrets.ts';
import { everythingIn, refusalOf } from './support/failure.ts';
import { SecretCells } from './support/secret-cells.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const value = 'sk-Grüße-1';

/** The secrets of a file store, and the texts of all its files. */
async function fileSecrets(passphrase?: string) {
  const place = await temporaryFolder();
  const open = (given = passphrase): Promise<SecretStore> =>
    openSecretStore(
      { tokenStore: 'file', environment: { MCP_KEYHOLE_PASSPHRASE: given } },
      new StateFolder(place),
    );
  const files = async (): Promise<string> => {
    const names = await readdir(place);
    return (await Promise.all(names.map((name) => readFile(path.join(place, name), 'utf8')))).join('\n');
  };
  return { place, open, files, index: new SecretIndex(new StateFolder(place)) };
}

async function keychainSecrets(cells = new SecretCells()) {
  const index = new SecretIndex(new StateFolder(await temporaryFolder()));
  return { cells, index, secrets: new SecretStore(keychainTexts(cells.open), index) };
}

describe('a named secret', () => {
  it('comes back as it was, until it is removed', async () => {
    for (const { open, index } of [await fileSecrets(), await fileSecrets('passphrase')]) {
      const secrets = await open();
      expect(await secrets.load('key')).toBeUndefined();
      await secrets.save('key', value);
      await secrets.save('other', 'x');
      expect(await (await open()).load('key')).toBe(value);
      expect(await index.list()).toEqual([
        { name: 'key', store: 'file' },
        { name: 'other', store: 'file' },
      ]);
      expect(await secrets.delete('key')).toBe(true);
      expect(await secrets.delete('key')).toBe(false);
      expect(await secrets.load('key')).toBeUndefined();
      expect(await index.list()).toEqual([{ name: 'other', store: 'file' }]);
    }
  });

  it('is kept in the keychain under an account of its own', async () => {
    const { cells, secrets, index } = await keychainSecrets();
    await secrets.save('key', value);
    expect([...cells.items.keys()]).toEqual(['secret key']);
    expect(await secrets.load('key')).toBe(value);
    expect(await index.list()).toEqual([{ name: 'key', store: 'keychain' }]);
  });

  it('counts as kept only when it can be read back', async () => {
    const { cells, secrets, index } = await keychainSecrets();
    cells.forgets = true;
    expect((await refusalOf(() => secrets.save('key', value))).code).toBe('keychain-failed');
    expect(await index.list()).toEqual([]);
  });

  it('is encrypted in its file where there is a passphrase, and only there', async () => {
    const sealed = await fileSecrets('passphrase');
    await (await sealed.open()).save('key', value);
    expect(await sealed.files()).not.toContain(value);
    const plain = await fileSecrets();
    await (await plain.open()).save('key', value);
    expect(await plain.files()).toContain(value);
  });

  it('that is encrypted needs the right passphrase', async () => {
    const { open } = await fileSecrets('right');
    await (await open()).save('key', value);
    const load = async (passphrase: string): Promise<unknown> => (await open(passphrase)).load('key');
    expect((await refusalOf(() => load('wrong'))).code).toBe('passphrase-wrong');
    expect((await refusalOf(() => load(''))).code).toBe('passphrase-missing');
    expect(await load('right')).toBe(value);
  });

  it.each(['secret-value that is no JSON', '{"keyhole":2,"secret":"secret-value"}', '{"keyhole":1}', 'null'])(
    'that is damaged is neither absent nor quoted: %s',
    async (text) => {
      const { open, place } = await fileSecrets();
      const secrets = await open();
      await secrets.save('key', value);
      const file = (await readdir(place)).find((name) => name.startsWith('secret-')) ?? '';
      await writeFile(path.join(place, file), text);
      const error = await refusalOf(() => secrets.load('key'));
      expect(error.code).toBe('secret-unreadable');
      expect(everythingIn(error)).not.toContain('secret-value');
    },
  );

  it('survives a damaged index, and returns to it when it is saved again', async () => {
    const { open, place, index } = await fileSecrets();
    const secrets = await open();
    await secrets.save('key', value);
    await writeFile(path.join(place, 'secrets.json'), 'broken');
    expect(await index.list()).toEqual([]);
    expect(await secrets.load('key')).toBe(value);
    await secrets.save('key', value);
    expect(await index.list()).toHaveLength(1);
  });
});
