import { createPrivateKey, type JsonWebKeyInput, type KeyObject, type webcrypto } from 'node:crypto';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from '../errors.ts';

/** A private key that signs client assertions; it cannot be taken out again. */
export interface ClientKey {
  readonly key: webcrypto.CryptoKey;
  /** The JWS algorithm that it signs with. */
  readonly alg: string;
  readonly kid: string | undefined;
}

const curves: Readonly<Record<string, readonly [alg: string, name: string]>> = {
  prime256v1: ['ES256', 'P-256'],
  secp384r1: ['ES384', 'P-384'],
  secp521r1: ['ES512', 'P-521'],
};
const rsaAlgorithms = ['RS256', 'PS256', 'RS384', 'PS384', 'RS512', 'PS512'];
/** RFC 7518, section 3.3. */
const leastModulus = 2_048;

type Jwk = JsonWebKeyInput['key'] & { readonly alg?: unknown; readonly kid?: unknown };

/**
 * Reads a private key, JWK or PEM. The algorithm follows from the key; an RSA key that does not name one takes the first
 * that the authorization server lists.
 *
 * @param supported `token_endpoint_auth_signing_alg_values_supported` (RFC 8414)
 * @throws ProxyError `client-key-unusable`; its text never quotes the key
 */
export async function readClientKey(
  text: string,
  supported: readonly string[] | undefined,
  passphrase: string | undefined,
): Promise<ClientKey> {
  const jwk = text.startsWith('{') ? parseJwk(text) : undefined;
  const object = open(jwk ?? text, passphrase);
  const { alg, algorithm } = algorithmOf(object, jwk, supported);
  try {
    const bytes = object.export({ format: 'der', type: 'pkcs8' });
    const key = await crypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign']);
    return { key, alg, kid: typeof jwk?.kid === 'string' ? jwk.kid : undefined };
  } catch (error) {
    throw errors.clientKeyUnusable('this Node.js does not take it', error);
  }
}

function parseJwk(text: string): Jwk {
  let jwk: Partial<Record<string, unknown>>;
  try {
    jwk = JSON.parse(text) as typeof jwk;
  } catch {
    throw errors.clientKeyUnusable('it begins like a JWK, but is not JSON');
  }
  if (Array.isArray(jwk['keys'])) throw errors.clientKeyUnusable('it is a set of keys (JWKS), not one key');
  if (jwk['d'] === undefined) throw errors.clientKeyUnusable('it is a JWK without a private half');
  return jwk;
}

function open(material: Jwk | string, passphrase: string | undefined): KeyObject {
  try {
    if (typeof material !== 'string') return createPrivateKey({ key: material, format: 'jwk' });
    return createPrivateKey({ key: material, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (error) {
    const isSealed = typeof material === 'string' && material.includes('ENCRYPTED');
    const why =
      isSealed && passphrase === undefined
        ? 'it is encrypted, and MCP_KEYHOLE_KEY_PASSPHRASE is not set'
        : `it is neither a JWK nor a PEM of a private key, or its passphrase is another one (${messageOf(error)})`;
    throw errors.clientKeyUnusable(why, error);
  }
}

function algorithmOf(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
  jwk: Jwk | undefined,
  supported: readonly string[] | undefined,
): {
  alg: string;
  algorithm: webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams | webcrypto.Algorithm;
} {
  if (type === 'ed25519') {
    // RFC 9864 renames EdDSA; most servers know the old name only.
    const alg = supported?.includes('Ed25519') === true && !supported.includes('EdDSA') ? 'Ed25519' : 'EdDSA';
    return { alg, algorithm: { name: 'Ed25519' } };
  }
  const curve = curves[details?.namedCurve ?? ''];
  if (type === 'ec' && curve !== undefined) {
    return { alg: curve[0], algorithm: { name: 'ECDSA', namedCurve: curve[1] } };
  }
  if (type !== 'rsa')
    throw errors.clientKeyUnusable(`its type is ${details?.namedCurve ?? type ?? 'unknown'}`);
  if ((details?.modulusLength ?? 0) < leastModulus)
    throw errors.clientKeyUnusable(`it has ${String(details?.modulusLength)} bits`);
  const own = typeof jwk?.alg === 'string' && rsaAlgorithms.includes(jwk.alg) ? jwk.alg : undefined;
  const alg = own ?? rsaAlgorithms.find((name) => supported?.includes(name)) ?? 'RS256';
  return {
    alg,
    algorithm: {
      name: alg.startsWith('PS') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5',
      hash: `SHA-${alg.slice(2)}`,
    },
  };
}
