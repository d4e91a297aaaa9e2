import { createHash, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { parseProofKey, type ProofKey } from '../../src/token-store/proof-key.ts';
import type { ReceivedRequest } from './loopback-server.ts';
import { readJwt, verifiedJwt, type ReadJwt } from './signed-jwt.ts';

/** A key for proofs by ES256. */
export function proofKey(): ProofKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return parseProofKey({ ...privateKey.export({ format: 'jwk' }), alg: 'ES256' });
}

/** RFC 7638, of an EC key. */
export function thumbprintOf({ crv, kty, x, y }: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/** A proof that has been checked, and the thumbprint of the key that signed it. */
export interface CheckedProof extends ReadJwt {
  readonly jkt: string;
}

/**
 * The proof in a request, checked as RFC 9449, section 4.3, says; ES256 only.
 *
 * @throws Error that says what is wrong with it
 */
export function proofIn(request: ReceivedRequest, origin: string): CheckedProof {
  const { dpop } = request.headers;
  if (typeof dpop !== 'string' || dpop.includes(',')) throw new Error('there is not one proof');
  const { header } = readJwt(dpop);
  const jwk = header['jwk'] as JsonWebKey;
  if (header['typ'] !== 'dpop+jwt' || header['alg'] !== 'ES256') throw new Error('typ or alg is wrong');
  if (jwk.d !== undefined || createPublicKey({ key: jwk, format: 'jwk' }).type !== 'public')
    throw new Error('the key is not the public one');
  const read = verifiedJwt(dpop, jwk);
  if (read === undefined) throw new Error('the signature is wrong');
  const { htm, htu, jti } = read.claims;
  if (htm !== request.method || htu !== `${origin}${request.path.split('?')[0] ?? ''}`)
    throw new Error(`it is for ${String(htm)} ${String(htu)}`);
  if (typeof jti !== 'string' || jti.length < 16) throw new Error('jti is missing');
  const token = /^DPoP (.+)$/u.exec(request.headers.authorization ?? '')?.[1];
  const ath = token === undefined ? undefined : createHash('sha256').update(token).digest('base64url');
  if (read.claims['ath'] !== ath) throw new Error('ath is wrong');
  return { ...read, jkt: thumbprintOf(jwk) };
}
