import { createPrivateKey, createPublicKey, generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';

const generate = promisify(generateKeyPair);

const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

export const keyAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'HS256',
  'HS384',
  'HS512',
] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

/** What signs and checks: a key pair, or one secret for both. */
export type KeyMaterial =
  | { readonly kid: string; readonly private: KeyObject; readonly public: KeyObject; readonly jwk: JWK }
  | { readonly kid: string; readonly secret: Uint8Array };

export interface SigningKey {
  readonly id: string;
  readonly name: string;
  readonly algorithm: KeyAlgorithm;
  /** Bits of an RSA modulus, or of the curve or secret. */
  readonly length: number;
  readonly insertInstant: number;
  /** Made on first use: an RSA key takes longer than everything else at start. */
  readonly material: () => Promise<KeyMaterial>;
  /** The material if it was made: a key without it has signed nothing. */
  readonly existingMaterial: () => Promise<KeyMaterial> | undefined;
}

export function createKey(key: {
  id: string;
  name: string;
  algorithm: KeyAlgorithm;
  length?: number;
  /** Of a key that was made elsewhere. */
  imported?: KeyMaterial;
}): SigningKey {
  const { imported, ...named } = key;
  const length = key.length ?? defaultLength(key.algorithm);
  let material = imported === undefined ? undefined : Promise.resolve(imported);
  return {
    ...named,
    length,
    insertInstant: Date.now(),
    material: () => (material ??= makeMaterial(key.id, key.algorithm, length)),
    existingMaterial: () => material,
  };
}

function defaultLength(algorithm: KeyAlgorithm): number {
  return algorithm.startsWith('RS') ? 2048 : Number(algorithm.slice(2));
}

async function makeMaterial(id: string, algorithm: KeyAlgorithm, length: number): Promise<KeyMaterial> {
  if (algorithm === 'HS256' || algorithm === 'HS384' || algorithm === 'HS512') {
    return { kid: hmacKid(id), secret: randomBytes(length / 8) };
  }
  const pair =
    algorithm === 'ES256' || algorithm === 'ES384' || algorithm === 'ES512'
      ? await generate('ec', { namedCurve: curves[algorithm] })
      : await generate('rsa', { modulusLength: length });
  return keyPair(pair.privateKey, algorithm);
}

/** A shared secret as FusionAuth uses it: the bytes of its text. */
export function secretMaterial(id: string, secret: string): KeyMaterial {
  return { kid: hmacKid(id), secret: new TextEncoder().encode(secret) };
}

/** A key pair in PEM. @throws Error when it cannot be read */
export function pemMaterial(privateKey: string, algorithm: KeyAlgorithm): Promise<KeyMaterial> {
  return keyPair(createPrivateKey(privateKey), algorithm);
}

async function keyPair(privateKey: KeyObject, algorithm: KeyAlgorithm): Promise<KeyMaterial> {
  const publicKey = createPublicKey(privateKey);
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    private: privateKey,
    public: publicKey,
    jwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
  };
}

function hmacKid(id: string): string {
  return id.replaceAll('-', '').slice(0, 10);
}
