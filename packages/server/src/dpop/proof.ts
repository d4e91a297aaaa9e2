import { createHash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { TokenRefused } from '../token-verifier/refusal.ts';
import { publicKeyAlgorithms } from '../token-verifier/unverified-token.ts';
import type { ProofKeys } from './proof-keys.ts';

/** What a proof has to fit. */
export interface ProvenRequest {
  readonly method: string;
  /** The public URL that it was sent to, without query. */
  readonly url: string;
  readonly accessToken: string;
  /** The key that the token is bound to: its `cnf.jkt`, whatever it holds. */
  readonly jkt: unknown;
}

/** What a proof says that depends on time. */
export interface Proof {
  readonly jti: string;
  /** Seconds since the epoch, by the client's clock. */
  readonly iat: number;
  readonly nonce: string | undefined;
}

/** Characters of a proof at most: twice what one with an RSA key of 4096 bits takes. */
const longestProof = 4_096;

/**
 * Checks all of a proof (RFC 9449, section 4.3) but whether it is new: see {@link Proof}.
 *
 * @throws TokenRefused `invalid-proof`
 */
export async function checkProof(proof: string, request: ProvenRequest, keys: ProofKeys): Promise<Proof> {
  if (proof.length > longestProof) throw invalid('too-long');
  const key = await keys.find(proof, request.jkt).catch(() => {
    // No JWT, or no key in it.
    throw invalid('form');
  });
  if (key === undefined) throw invalid('key');
  const { payload } = await jwtVerify(proof, key, {
    algorithms: publicKeyAlgorithms,
    typ: 'dpop+jwt',
  }).catch((error: unknown) => {
    throw invalid(error instanceof errors.JWSSignatureVerificationFailed ? 'signature' : 'form');
  });
  const { jti, iat, nonce, htm, htu, ath } = payload;
  if (typeof jti !== 'string' || jti === '') throw invalid('jti');
  if (typeof iat !== 'number') throw invalid('iat');
  if (nonce !== undefined && typeof nonce !== 'string') throw invalid('nonce');
  if (htm !== request.method) throw invalid('htm');
  if (typeof htu !== 'string' || comparable(htu) !== comparable(request.url)) throw invalid('htu');
  if (ath !== sha256(request.accessToken)) throw invalid('ath');
  return { jti, iat, nonce };
}

/** A proof that is refused; the detail, a fixed word, is for the log. */
export function invalid(detail: string): TokenRefused {
  return new TokenRefused({ reason: 'invalid-proof', detail });
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** As normalized, without query and fragment (RFC 9449, section 4.3); the endpoint answers with and without a slash at the end. */
function comparable(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname, username, password } = new URL(url);
  return username + password === '' ? `${origin}${pathname.replace(/\/$/u, '')}` : undefined;
}
