import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { errors } from '../errors.ts';
import type { StateFolder } from '../state-folder.ts';

/** An encrypted file: AES-256-GCM with a key that scrypt makes of the passphrase; everything in base64url. */
interface Sealed {
  readonly keyholeSealed: 1;
  readonly salt: string;
  readonly iv: string;
  readonly tag: string;
  readonly text: string;
}

/** RFC 7914, section 2: about 50 ms and 32 MiB, which makes guessing a passphrase slow. */
const hardness = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** Secret texts in files of the state folder (0600 in a folder of 0700), encrypted where there is a passphrase. */
export class SealedFiles {
  readonly place: string;
  readonly #folder: StateFolder;
  readonly #passphrase: string | undefined;

  constructor(folder: StateFolder, passphrase: string | undefined) {
    this.#folder = folder;
    this.#passphrase = passphrase === '' ? undefined : passphrase;
    const how = this.#passphrase === undefined ? 'not encrypted' : 'encrypted with your passphrase';
    this.place = `files in ${folder.path} (${how})`;
  }

  /**
   * The text of a file, or undefined when there is none.
   *
   * @param what whose it is, for errors
   * @throws ProxyError `passphrase-missing`, `passphrase-wrong`
   */
  async read(name: string, what: string): Promise<string | undefined> {
    const text = await this.#folder.read(name);
    const sealed = text === undefined ? undefined : parseSealed(text);
    if (sealed === undefined) return text;
    if (this.#passphrase === undefined) throw errors.passphraseMissing(what);
    try {
      return await unseal(sealed, this.#passphrase);
    } catch (error) {
      throw errors.passphraseWrong(what, error);
    }
  }

  async write(name: string, text: string): Promise<void> {
    await this.#folder.write(
      name,
      this.#passphrase === undefined ? text : JSON.stringify(await seal(text, this.#passphrase)),
    );
  }

  /** Whether there was one. */
  async remove(name: string): Promise<boolean> {
    const existed = (await this.#folder.read(name)) !== undefined;
    await this.#folder.remove(name);
    return existed;
  }
}

async function seal(text: string, passphrase: string): Promise<Sealed> {
  const salt = randomBytes(16);
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, salt), iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const encode = (bytes: Buffer): string => bytes.toString('base64url');
  return {
    keyholeSealed: 1,
    salt: encode(salt),
    iv: encode(iv),
    tag: encode(cipher.getAuthTag()),
    text: encode(sealed),
  };
}

/** @throws Error when the passphrase is another one, or the file was changed */
async function unseal(sealed: Sealed, passphrase: string): Promise<string> {
  const decode = (text: string): Buffer => Buffer.from(text, 'base64url');
  const key = await keyOf(passphrase, decode(sealed.salt));
  const decipher = createDecipheriv('aes-256-gcm', key, decode(sealed.iv), { authTagLength: 16 });
  decipher.setAuthTag(decode(sealed.tag));
  return Buffer.concat([decipher.update(decode(sealed.text)), decipher.final()]).toString('utf8');
}

const scryptAsync = promisify<string, Buffer, number, typeof hardness, Buffer>(scrypt);

function keyOf(passphrase: string, salt: Buffer): Promise<Buffer> {
  return scryptAsync(passphrase.normalize('NFC'), salt, 32, hardness);
}

function parseSealed(text: string): Sealed | undefined {
  try {
    const content = JSON.parse(text) as Partial<Sealed> | null;
    return content?.keyholeSealed === 1 ? (content as Sealed) : undefined;
  } catch {
    return undefined;
  }
}
