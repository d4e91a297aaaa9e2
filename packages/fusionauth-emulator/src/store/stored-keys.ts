import { createKey, pemMaterial, type KeyAlgorithm, type SigningKey } from './keys.ts';

/** A signing key as it is kept in a file, secret and all. */
export interface StoredKey {
  readonly id: string;
  readonly name: string;
  readonly algorithm: KeyAlgorithm;
  readonly length: number;
  readonly insertInstant: number;
  readonly kid: string;
  /** PKCS #8 in PEM for a pair, base64url for a secret. */
  readonly material: string;
}

export async function storableKey(key: SigningKey): Promise<StoredKey> {
  const material = await key.material();
  const { id, name, algorithm, length, insertInstant } = key;
  return {
    ...{ id, name, algorithm, length, insertInstant, kid: material.kid },
    material:
      'secret' in material
        ? Buffer.from(material.secret).toString('base64url')
        : material.private.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

export async function restoreKey({ material, kid, insertInstant, ...key }: StoredKey): Promise<SigningKey> {
  const imported = key.algorithm.startsWith('HS')
    ? { kid, secret: new Uint8Array(Buffer.from(material, 'base64url')) }
    : await pemMaterial(material, key.algorithm);
  return { ...createKey({ ...key, imported }), insertInstant };
}
