import { generateKeyPair, randomBytes, type KeyObject } from 'node:crypto';
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
}): SigningKey {
  const length = key.length ?? defaultLength(key.algorithm);
  let material: Promise<KeyMaterial> | undefined;
  return {
    ...key,
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
    return { kid: id.replaceAll('-', '').slice(0, 10), secret: randomBytes(length / 8) };
  }
  const pair =
    algorithm === 'ES256' || algorithm === 'ES384' || algorithm === 'ES512'
      ? await generate('ec', { namedCurve: curves[algorithm] })
      : await generate('rsa', { modulusLength: length });
  const jwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    private: pair.privateKey,
    public: pair.publicKey,
    jwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
  };
}
