import { createHash, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

/** A key pair that makes DPoP proofs (RFC 9449 section 4.2), sound or with one thing changed. */
export class Prover {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly jkt: string;
  readonly #alg: string;

  private constructor(alg: string, privateKey: CryptoKey, jwk: JWK, jkt: string) {
    this.#alg = alg;
    this.privateKey = privateKey;
    this.jwk = jwk;
    this.jkt = jkt;
  }

  static async create(alg = 'ES256'): Promise<Prover> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(publicKey);
    return new Prover(alg, privateKey, jwk, await calculateJwkThumbprint(jwk));
  }

  /** A proof for a request; `claims` and `header` override, undefined leaves one out. */
  proof(
    htm: string,
    htu: string,
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    return new SignJWT({ jti: randomUUID(), htm, htu, iat: now, ...claims })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: this.#alg, jwk: this.jwk, ...header })
      .sign(this.privateKey);
  }
}

/** The `ath` of an access token. */
export function hashOf(token: unknown): string {
  return createHash('sha256').update(String(token)).digest('base64url');
}
