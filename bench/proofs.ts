// Proofs of DPoP (RFC 9449) made before they are needed, so that a load generator measures the server and not itself.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';

/** Makes proofs with one key, by Node's own signatures, which are quick. */
export class ProofKey {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #jwk = this.#keys.publicKey.export({ format: 'jwk' }) as JWK;

  thumbprint(): Promise<string> {
    return calculateJwkThumbprint(this.#jwk);
  }

  /** A proof for one POST. @param accessToken what it goes with, if anything */
  proof(url: string, accessToken?: string): string {
    const hash = accessToken && createHash('sha256').update(accessToken).digest('base64url');
    const payload = {
      jti: randomUUID(),
      htm: 'POST',
      htu: url,
      iat: Math.floor(Date.now() / 1_000),
      ath: hash,
    };
    const content = [{ typ: 'dpop+jwt', alg: 'ES256', jwk: this.#jwk }, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const key = { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' as const };
    return `${content}.${sign('sha256', Buffer.from(content), key).toString('base64url')}`;
  }
}
