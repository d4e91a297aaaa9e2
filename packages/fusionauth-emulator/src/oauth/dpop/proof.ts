import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { calculateJwkThumbprint, EmbeddedJWK, errors, jwtVerify, type JWK } from 'jose';
import type { Context } from '../../context.ts';
import { has } from '../../store/version.ts';
import type { Store } from '../../store/store.ts';
import { OAuthError } from '../oauth-error.ts';
import { checkNonce } from './nonces.ts';

/** What FusionAuth documents, without Ed448, which the JWT library does not have. */
export const proofAlgorithms: readonly string[] = [
  'Ed25519',
  ...['ES256', 'ES384', 'ES512'],
  ...['PS256', 'PS384', 'PS512'],
  ...['RS256', 'RS384', 'RS512'],
];

/** Seconds that a proof lives, and that clocks may differ, as FusionAuth documents them. */
const lifetime = 10;
const clockSkew = 15;

/** DPoP came with 1.63.0 and is a feature of the Enterprise edition; without it the header means nothing. */
export function supportsDpop(store: Pick<Store, 'licensed' | 'version'>): boolean {
  return store.licensed && has(store, 'dpop');
}

/**
 * Checks the DPoP proof of a request (RFC 9449 section 4.3).
 *
 * @param url the URL that the request was sent to, without query
 * @param accessToken where one comes with it, whose hash the proof has to carry
 * @returns the thumbprint of the key that signed it, or undefined where there is no proof
 * @throws OAuthError `invalid_dpop_proof`, or `use_dpop_nonce` under the switch
 */
export async function provenKey(
  { store, faults }: Pick<Context, 'store' | 'faults'>,
  request: Request,
  { url, accessToken }: { url: string; accessToken?: string },
): Promise<string | undefined> {
  const [proof, second] = request.headersDistinct['dpop'] ?? [];
  if (proof === undefined || !supportsDpop(store)) return undefined;
  if (second !== undefined) throw invalid('There is more than one DPoP header.');
  const now = Math.floor(faults.now() / 1_000);
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    algorithms: [...proofAlgorithms],
    typ: 'dpop+jwt',
    requiredClaims: ['jti', 'iat'],
    currentDate: new Date(faults.now()),
    clockTolerance: clockSkew,
  }).catch((error: unknown) => {
    // Else the library cannot use the key: WebCrypto’s own errors for a key that is none.
    throw invalid(error instanceof errors.JOSEError ? error.message : 'The key in it cannot be used.');
  });
  const { jti, iat } = payload;
  if (typeof jti !== 'string' || jti === '') throw invalid('Its jti is not a text.');
  if (payload['htm'] !== request.method) throw invalid(`Its htm is not [${request.method}].`);
  if (withoutQuery(payload['htu']) !== new URL(url).href) throw invalid(`Its htu is not [${url}].`);
  if (typeof iat !== 'number' || iat < now - lifetime - clockSkew || iat > now + clockSkew) {
    throw invalid('Its iat is not now.');
  }
  if (accessToken !== undefined && payload['ath'] !== sha256(accessToken)) {
    throw invalid('Its ath is not the hash of the access token.');
  }
  checkNonce(store, payload['nonce']);
  const jkt = await calculateJwkThumbprint(protectedHeader.jwk as JWK);
  const id = sha256(`${jkt} ${jti}`);
  if (store.engine.get('ReplayDetection', id) !== undefined) throw invalid('It was used before.');
  store.engine.set('ReplayDetection', id, {}, lifetime + 2 * clockSkew);
  return jkt;
}

function invalid(detail: string): OAuthError {
  return new OAuthError('invalid_dpop_proof', 'unknown', `The DPoP proof is not valid. ${detail}`);
}

/** RFC 9449 section 4.3, item 9: query and fragment do not count, and URLs are compared as normalized. */
function withoutQuery(htu: unknown): string | undefined {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return undefined;
  const url = new URL(htu);
  url.search = '';
  url.hash = '';
  return url.href;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
