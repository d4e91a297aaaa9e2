import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, type CryptoKey, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { publicKeyAlgorithms } from '../token-verifier/unverified-token.ts';

/** Keys that are remembered, each with a header of 4 KB at most. */
const knownKeys = 1_000;

/**
 * The keys that proofs bring along. All proofs of a client have one header, in the same letters: its key is read once, which
 * saves more than half of the work.
 */
export class ProofKeys {
  readonly #byHeader = new LRUCache<string, CryptoKey>({ max: knownKeys });

  /**
   * @param jkt the thumbprint of the key that it must be (RFC 7638)
   * @returns undefined when it is another one
   * @throws when there is no public key in the header, or none of its algorithm
   */
  async find(proof: string, jkt: unknown): Promise<CryptoKey | undefined> {
    const [header = ''] = proof.split('.', 1);
    const place = `${String(jkt)} ${header}`;
    const known = this.#byHeader.get(place);
    if (known !== undefined) return known;
    const { alg = '', jwk } = decodeProtectedHeader(proof);
    if (!publicKeyAlgorithms.includes(alg)) throw new TypeError(`a proof cannot be signed ${alg}`);
    // Before it is made into a key, so that nobody has this server compute for keys of his own.
    if ((await calculateJwkThumbprint(jwk as JWK)) !== jkt) return undefined;
    const key = await EmbeddedJWK({ alg, jwk: jwk as JWK });
    // Only keys that tokens are bound to, so that made-up ones displace none.
    this.#byHeader.set(place, key);
    return key;
  }
}
