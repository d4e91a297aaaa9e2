import { cleanLine } from '@mcp-keyhole/cli-kit';
import { decodeProtectedHeader, errors, jwtVerify, type JWTPayload } from 'jose';
import type { PublishedKeys } from '../token-verifier/published-keys.ts';
import { publicKeyAlgorithms, sharedSecretAlgorithms } from '../token-verifier/unverified-token.ts';
import { WebhookRefused } from './webhook-refusal.ts';

/** Where FusionAuth puts its signature: a JWT with one claim, the hash of the body. */
export const signatureHeader = 'x-fusionauth-signature-jwt';

/**
 * Verifies the signature of a request whose body has not been read.
 *
 * @returns `request_body_sha256`: the SHA-256 hash of the body that was signed, in base64
 * @throws WebhookRefused `wrong-signature`, `keys-unknown`
 */
export type SignatureVerifier = (jwt: string) => Promise<string>;

/** Signatures of an RSA or EC key that FusionAuth publishes (`/.well-known/jwks.json`). */
export function signedByPublishedKey(keys: PublishedKeys): SignatureVerifier {
  return async (jwt) => {
    const { alg, kid } = headerOf(jwt);
    if (!publicKeyAlgorithms.includes(alg))
      throw new WebhookRefused('wrong-signature', `algorithm ${cleanLine(alg, 40)}`);
    const found = await keys.find(kid);
    switch (found.state) {
      case 'published': {
        const key = await found.key(alg).catch(refused);
        return bodyHash(await jwtVerify(jwt, key, { algorithms: publicKeyAlgorithms }).catch(refused));
      }
      case 'unpublished':
        throw new WebhookRefused('wrong-signature', 'FusionAuth does not publish its key');
      case 'unknown':
        throw new WebhookRefused('keys-unknown', found.detail);
    }
  };
}

/** Signatures of an HMAC key, which FusionAuth does not publish: its secret has to be configured here too. */
export function signedBySecret(secret: string): SignatureVerifier {
  const key = new TextEncoder().encode(secret);
  return async (jwt) =>
    bodyHash(await jwtVerify(jwt, key, { algorithms: sharedSecretAlgorithms }).catch(refused));
}

/** An access token, signed by the same tenant, has no such claim: it is no signature. */
function bodyHash({ payload }: { payload: JWTPayload }): string {
  const hash = payload['request_body_sha256'];
  if (typeof hash === 'string') return hash;
  throw new WebhookRefused('wrong-signature', 'no claim request_body_sha256');
}

function headerOf(jwt: string): { alg: string; kid: string | undefined } {
  try {
    const { alg = 'none', kid } = decodeProtectedHeader(jwt);
    return { alg, kid };
  } catch {
    throw new WebhookRefused('wrong-signature', 'not a JWT');
  }
}

function refused(error: unknown): never {
  if (error instanceof errors.JOSEError) throw new WebhookRefused('wrong-signature', error.code);
  throw error;
}
