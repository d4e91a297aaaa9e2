import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateFolder } from '../src/state-folder.ts';
import { FileTokenStore } from '../src/token-store/file.ts';
import { SignInIndex } from '../src/token-store/index-file.ts';
import { accountOf } from '../src/token-store/token-store.ts';
import { everythingIn, refusalOf } from './support/failure.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { key, tokenSet } from './support/token-sets.ts';

const passphrase = 'Grüße aus dem Süden';
const secrets = /access-1|refresh-1/u;

/** A store, and others for the same folder as later processes with their passphrases have them. */
async function fileStore(withPassphrase?: string) {
  const place = path.join(await temporaryFolder(), 'state');
  const open = (given?: string): FileTokenStore => {
    const folder = new StateFolder(place);
    return new FileTokenStore(folder, new SignInIndex(folder), given);
  };
  const tokenFile = async (): Promise<string> => {
    const name = (await readdir(place)).find((file) => file.startsWith('tokens-'));
    return path.join(place, name ?? 'there is none');
  };
  return { place, open, tokenFile, store: open(withPassphrase) };
}

describe('the file store', () => {
  it.skipIf(process.platform === 'win32')(
    'keeps files of 0600 in a folder of 0700 (Windows has no modes: skipped there)',
    async () => {
      const { store, place } = await fileStore();
      await store.save(key, tokenSet());
      expect((await stat(place)).mode & 0o777).toBe(0o700);
      const files = await readdir(place);
      expect(files).toHaveLength(2);
      for (const file of files) expect((await stat(path.join(place, file))).mode & 0o777).toBe(0o600);
    },
  );

  it('says whether it encrypts, and an empty passphrase is none', async () => {
    const { open, place } = await fileStore();
    expect(open().place).toBe(`files in ${place} (not encrypted)`);
    expect(open('').place).toBe(`files in ${place} (not encrypted)`);
    expect(open(passphrase).place).toBe(`files in ${place} (encrypted with your passphrase)`);
  });

  it('has nothing secret in its index, nor the server’s URL in a file’s name', async () => {
    const { store, place } = await fileStore();
    await store.save(key, tokenSet());
    expect(await readFile(path.join(place, 'sign-ins.json'), 'utf8')).not.toMatch(secrets);
    expect((await readdir(place)).join()).not.toContain('mcp.example.com');
  });

  it('takes 100 KB of tokens, encrypted or not', async () => {
    const large = tokenSet({ accessToken: 'ü'.repeat(100_000) });
    for (const given of [undefined, passphrase]) {
      const { store } = await fileStore(given);
      await store.save(key, large);
      expect(await store.load(key)).toEqual(large);
    }
  });

  it('can be read without a passphrase when it was written without, and is encrypted with the next writing', async () => {
    const { store, open, tokenFile } = await fileStore();
    await store.save(key, tokenSet());
    expect(await readFile(await tokenFile(), 'utf8')).toMatch(secrets);
    const encrypting = open(passphrase);
    expect(await encrypting.load(key)).toEqual(tokenSet());
    await encrypting.save(key, tokenSet());
    expect(await readFile(await tokenFile(), 'utf8')).not.toMatch(secrets);
  });

  it.each([
    ['no JSON', 'access-1', 'it is not JSON'],
    ['another format', '{"keyhole":2,"accessToken":"access-1"}', 'its format is 2'],
  ])('says of %s that the sign-in is unreadable, and leaves it as it is', async (_what, text, why) => {
    const { store, tokenFile } = await fileStore();
    await store.save(key, tokenSet());
    await writeFile(await tokenFile(), text);
    const error = await refusalOf(() => store.load(key));
    expect(error.code).toBe('sign-in-unreadable');
    expect(error.message).toContain(why);
    expect(everythingIn(error)).not.toContain('access-1');
    expect(await readFile(await tokenFile(), 'utf8')).toBe(text);
    expect(await store.delete(key)).toBe(true);
    expect(await store.load(key)).toBeUndefined();
  });
});

describe('an encrypted file', () => {
  it('has nothing of the tokens in it, and is never written the same way twice', async () => {
    const { store, tokenFile } = await fileStore(passphrase);
    const texts: string[] = [];
    while (texts.length < 2) {
      await store.save(key, tokenSet());
      texts.push(await readFile(await tokenFile(), 'utf8'));
    }
    const [one = '', other = ''] = texts;
    expect(one).not.toMatch(secrets);
    const [first, second] = [one, other].map((text) => JSON.parse(text) as Record<string, unknown>);
    for (const field of ['salt', 'iv', 'tag', 'text']) expect(first?.[field]).not.toBe(second?.[field]);
  });

  it('opens with its passphrase, however that is composed', async () => {
    const { store, open } = await fileStore(passphrase);
    await store.save(key, tokenSet());
    expect(await open(passphrase.normalize('NFD')).load(key)).toEqual(tokenSet());
  });

  it.each([
    ['another passphrase', 'grüße aus dem süden', 'passphrase-wrong'],
    ['a passphrase with a space more', `${passphrase} `, 'passphrase-wrong'],
    ['no passphrase', undefined, 'passphrase-missing'],
    ['an empty passphrase', '', 'passphrase-missing'],
  ])('does not open with %s, which is not signed out, and can be removed', async (_what, given, code) => {
    const { store, open, tokenFile } = await fileStore(passphrase);
    await store.save(key, tokenSet());
    const before = await readFile(await tokenFile(), 'utf8');
    const error = await refusalOf(() => open(given).load(key));
    expect(error.code).toBe(code);
    expect(error.message).toContain(accountOf(key));
    expect(error.remedy).toContain('MCP_KEYHOLE_PASSPHRASE');
    expect(everythingIn(error)).not.toContain(passphrase);
    expect(await readFile(await tokenFile(), 'utf8')).toBe(before);
    expect(await open(given).delete(key)).toBe(true);
    expect(await open(passphrase).load(key)).toBeUndefined();
  });

  it.each(['salt', 'iv', 'tag', 'text'])(
    'is refused when its %s was changed, and when that is gone',
    async (field) => {
      const { store, tokenFile } = await fileStore(passphrase);
      await store.save(key, tokenSet());
      const sealed = JSON.parse(await readFile(await tokenFile(), 'utf8')) as Record<string, string>;
      const bytes = Buffer.from(sealed[field] ?? '', 'base64url');
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
      for (const value of [bytes.toString('base64url'), '', undefined]) {
        await writeFile(await tokenFile(), JSON.stringify({ ...sealed, [field]: value }));
        expect((await refusalOf(() => store.load(key))).code).toBe('passphrase-wrong');
      }
      // The twin: put back as it was, it opens.
      await writeFile(await tokenFile(), JSON.stringify(sealed));
      expect(await store.load(key)).toEqual(tokenSet());
    },
  );

  it('is refused with a tag that was cut, which would make it easier to forge', async () => {
    const { store, tokenFile } = await fileStore(passphrase);
    await store.save(key, tokenSet());
    const sealed = JSON.parse(await readFile(await tokenFile(), 'utf8')) as Record<string, string>;
    const tag = Buffer.from(sealed['tag'] ?? '', 'base64url')
      .subarray(0, 4)
      .toString('base64url');
    await writeFile(await tokenFile(), JSON.stringify({ ...sealed, tag }));
    expect((await refusalOf(() => store.load(key))).code).toBe('passphrase-wrong');
  });

  it('of format 1 stays readable', async () => {
    const { store, place } = await fileStore('passphrase of format 1');
    await mkdir(place, { recursive: true });
    const fixture = path.join(import.meta.dirname, 'fixtures', 'sealed-file-format-1.json');
    await copyFile(fixture, path.join(place, 'tokens-250d1599de83059f.json'));
    expect(await store.load(key)).toEqual(tokenSet());
  });
});
