import { createPublicKey, generateKeyPairSync, randomUUID, sign, verify, type JsonWebKey } from 'node:crypto';

type Claims = Readonly<Record<string, unknown>>;

/** A JWT taken apart, without looking at its signature. */
export interface ReadJwt {
  readonly header: Claims;
  readonly claims: Claims;
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const dsaEncoding = 'ieee-p1363';

/** A key pair for ES256: the private half as JWK and PEM, the public half as JWK. */
export function signingKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    jwk: privateKey.export({ format: 'jwk' }),
    pem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicJwk: publicKey.export({ format: 'jwk' }),
    /** A JWT with these claims, good for five minutes. */
    jwt: (claims: Claims, header: Claims = {}): string => {
      const now = Math.floor(Date.now() / 1_000);
      const all = { iat: now, exp: now + 300, jti: randomUUID(), ...claims };
      const input = `${part({ alg: 'ES256', ...header })}.${part(all)}`;
      return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding }).toString('base64url')}`;
    },
  };
}

export function readJwt(jwt: string): ReadJwt {
  const [header = '', claims = ''] = jwt.split('.');
  const read = (text: string): Claims =>
    JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Claims;
  return { header: read(header), claims: read(claims) };
}

/** The JWT taken apart when it is signed by this key with ES256 and has not ended; undefined otherwise. */
export function verifiedJwt(jwt: string, publicJwk: JsonWebKey): ReadJwt | undefined {
  const [header = '', claims = '', signature = ''] = jwt.split('.');
  const key = { key: createPublicKey({ key: publicJwk, format: 'jwk' }), dsaEncoding } as const;
  if (!verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url')))
    return undefined;
  const read = readJwt(jwt);
  return Number(read.claims['exp'] ?? Infinity) * 1_000 > Date.now() ? read : undefined;
}
