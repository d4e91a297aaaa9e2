import { cleanLine } from '@mcp-keyhole/cli-kit';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Claims } from '../fusionauth.ts';
import { authInfoOf, type Expectation } from './claims.ts';
import { TokenRefused } from './refusal.ts';

/** Three base64url parts (RFC 7515, section 3.1). */
const compactJwt = /^[\w-]+\.[\w-]+\.[\w-]+$/u;

/** Public-key signatures (RFC 7518, section 3.1): all that a published key can verify. */
export const publicKeyAlgorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** What FusionAuth signs with where a tenant has no other key, which FusionAuth alone can verify. */
export const sharedSecretAlgorithms = ['HS256', 'HS384', 'HS512'];

/** FusionAuth's `JWT`, and the access token of RFC 9068 (section 2.1). */
const types = ['jwt', 'at+jwt', 'application/at+jwt'];

/** A token that could be good, for whose signature nobody has vouched. */
export interface UnverifiedToken {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly claims: Claims;
}

/**
 * Reads a token and refuses what no signature could make good: another form, algorithm or type, another issuer or audience, an
 * expired one. FusionAuth is not troubled with those.
 *
 * @throws TokenRefused
 */
export function readUnverified(token: string, expectation: Expectation): UnverifiedToken {
  if (!compactJwt.test(token)) throw new TokenRefused({ reason: 'malformed-token' });
  const { header, claims } = decode(token);
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || ![...publicKeyAlgorithms, ...sharedSecretAlgorithms].includes(alg)) {
    throw new TokenRefused({ reason: 'wrong-algorithm', found: cleanLine(String(alg), 40) });
  }
  if (typeof typ !== 'string' || !types.includes(typ.toLowerCase())) {
    throw new TokenRefused({ reason: 'wrong-type', found: cleanLine(String(typ), 40) });
  }
  authInfoOf(token, claims, expectation);
  return { alg, kid: typeof kid === 'string' ? kid : undefined, claims };
}

function decode(token: string): { header: Claims; claims: Claims } {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    throw new TokenRefused({ reason: 'malformed-token' });
  }
}
