import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readClientKey } from '../src/authorization/client-key.ts';
import { everythingIn, refusalOf } from './support/failure.ts';

type Pair = ReturnType<typeof generateKeyPairSync>;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const pemOf = (key: Pair['privateKey'], type: 'pkcs8' | 'sec1' | 'pkcs1' = 'pkcs8'): string =>
  key.export({ format: 'pem', type }).toString();
const jwkOf = (key: Pair['privateKey'], more: JsonWebKey = {}): string =>
  JSON.stringify({ ...key.export({ format: 'jwk' }), ...more });

const read = (text: string, supported?: string[], passphrase?: string) =>
  readClientKey(text, supported, passphrase);

describe('the algorithm of a client key', () => {
  it.each([
    ['P-256, PEM', pemOf(ec('P-256')), undefined, 'ES256'],
    ['P-256, PEM of SEC 1', pemOf(ec('P-256'), 'sec1'), undefined, 'ES256'],
    ['P-384, JWK', jwkOf(ec('P-384')), undefined, 'ES384'],
    ['P-521, PEM', pemOf(ec('P-521')), undefined, 'ES512'],
    ['Ed25519, PEM', pemOf(ed25519), undefined, 'EdDSA'],
    ['Ed25519 where only its new name is known', jwkOf(ed25519), ['Ed25519'], 'Ed25519'],
    ['RSA, PEM', pemOf(rsa), undefined, 'RS256'],
    ['RSA, PEM of PKCS #1', pemOf(rsa, 'pkcs1'), undefined, 'RS256'],
    ['RSA where PS256 is listed alone', pemOf(rsa), ['ES256', 'PS256'], 'PS256'],
    ['RSA whose JWK names it', jwkOf(rsa, { alg: 'PS384' }), ['RS256'], 'PS384'],
  ])('of %s is found', async (_what, text, supported, alg) => {
    const key = await read(text, supported);
    expect(key.alg).toBe(alg);
    expect(key.key.extractable).toBe(false);
  });

  it('comes with the name that the JWK has', async () => {
    expect((await read(jwkOf(ec('P-256'), { kid: 'key-1' }))).kid).toBe('key-1');
    expect((await read(pemOf(ec('P-256')))).kid).toBeUndefined();
  });
});

describe('a client key', () => {
  const sealed = ec('P-256')
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
    .toString();

  it('may be under a passphrase', async () => {
    expect((await read(sealed, undefined, 'open sesame')).alg).toBe('ES256');
  });

  it.each([
    ['without its passphrase', sealed, 'MCP_KEYHOLE_KEY_PASSPHRASE is not set'],
    [
      'of a public half',
      JSON.stringify(ec('P-256').export({ format: 'jwk' }), (name, value: unknown) =>
        name === 'd' ? undefined : value,
      ),
      'without a private half',
    ],
    ['in a set', JSON.stringify({ keys: [] }), 'JWKS'],
    ['of damaged JSON', '{"kty":"EC"', 'not JSON'],
    ['of no key at all', 'hunter2-hunter2', 'neither a JWK nor a PEM'],
    ['of a curve for coins', pemOf(ec('secp256k1')), 'secp256k1'],
    [
      'that is too small',
      pemOf(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey),
      '1024 bits',
    ],
  ])('%s is refused, and never quoted', async (_what, text, why) => {
    const error = await refusalOf(() => read(text));
    expect(error.code).toBe('client-key-unusable');
    expect(error.message).toContain(why);
    expect(everythingIn(error)).not.toContain(text);
  });

  it('whose passphrase is another one is refused', async () => {
    const { code, message } = await refusalOf(() => read(sealed, undefined, 'another'));
    expect(code).toBe('client-key-unusable');
    expect(message).toContain('its passphrase is another one');
  });
});
