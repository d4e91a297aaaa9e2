import { Readable } from 'node:stream';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { planBinding, withKey } from '../src/authorization/binding.ts';
import type { BindingOffer, Discovery } from '../src/authorization/types.ts';
import { BoundRequests } from '../src/http/bound-requests.ts';
import { publicHalf } from '../src/token-store/proof-key.ts';
import { parseTokenSet, serializeTokenSet } from '../src/token-store/token-set-format.ts';
import { refusalOf } from './support/failure.ts';
import { tokenSet } from './support/token-sets.ts';

const server = new URL('https://mcp.example.com/mcp');

/** What is planned, in words. */
function plan(
  facts: { challenged?: BindingOffer; published?: BindingOffer; announced?: string[] },
  mode: 'auto' | 'always' | 'never' = 'auto',
): string {
  const { challenged, published, announced } = facts;
  const discovery: Discovery = {
    resource: server.href,
    dpop: published,
    authorizationServer: {
      issuer: 'https://login.example.com',
      ...(announced === undefined ? {} : { dpop_signing_alg_values_supported: announced }),
    },
  };
  const { alg, demanded } = planBinding({ dpop: challenged }, discovery, mode, server) ?? {};
  return alg === undefined ? 'bearer' : `${alg}${demanded === true ? ', demanded' : ''}`;
}

describe('tokens are bound to a key', () => {
  const es256 = ['ES256'];
  it.each([
    [
      'when the challenge demands it',
      { challenged: { demanded: true }, announced: es256 },
      'ES256, demanded',
    ],
    ['when the metadata demand it', { published: { demanded: true }, announced: es256 }, 'ES256, demanded'],
    ['when that is demanded and not announced', { challenged: { demanded: true } }, 'ES256, demanded'],
    ['when it is offered and announced', { challenged: { demanded: false }, announced: es256 }, 'ES256'],
    [
      'but not when only the metadata name it',
      { published: { demanded: false }, announced: es256 },
      'bearer',
    ],
    ['but not when it is offered and not announced', { challenged: { demanded: false } }, 'bearer'],
    ['but not when no algorithm is announced', { challenged: { demanded: false }, announced: [] }, 'bearer'],
    ['but not when it is only announced', { announced: es256 }, 'bearer'],
  ])('%s', (_case, facts, expected) => {
    expect(plan(facts)).toBe(expected);
  });

  it('with the first algorithm that all take', () => {
    const challenged = { demanded: true, algorithms: ['RS256', 'ES384', 'EdDSA'] };
    expect(plan({ challenged })).toBe('EdDSA, demanded');
    expect(plan({ challenged, announced: ['RS256', 'ES384', 'ES256'] })).toBe('ES384, demanded');
    const published = { demanded: false, algorithms: ['RS256'] };
    expect(plan({ challenged, published, announced: ['RS256', 'ES384'] })).toBe('RS256, demanded');
  });

  it('as the user says', async () => {
    expect(plan({}, 'always')).toBe('ES256, demanded');
    expect(plan({ challenged: { demanded: false }, announced: es256 }, 'never')).toBe('bearer');
    const demanding = { challenged: { demanded: true }, announced: es256 };
    expect((await refusalOf(() => plan(demanding, 'never'))).code).toBe('binding-impossible');
  });

  it('or not at all, where no algorithm is good for all who demand it', async () => {
    const facts = {
      challenged: { demanded: true, algorithms: ['ES256'] },
      announced: ['ES512', 'none', 'HS256'],
    };
    const refusal = await refusalOf(() => plan(facts));
    expect(refusal.code).toBe('binding-impossible');
    expect(refusal.message).toContain('no algorithm in common');
    expect(plan({ challenged: { demanded: false }, announced: ['HS256'] })).toBe('bearer');
  });
});

describe('a key', () => {
  it.each(['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'PS256', 'RS256'])(
    'for %s signs proofs that its public half verifies, also after it was stored',
    async (alg) => {
      const { key } = await withKey({ alg, demanded: true });
      const stored = parseTokenSet(serializeTokenSet(tokenSet({ tokenType: 'DPoP', proofKey: key })));
      let proof = '';
      await new BoundRequests().send(
        { url: server, method: 'POST' },
        { value: 'token-0', key: stored.proofKey ?? expect.unreachable() },
        async (prove) => {
          proof = await prove();
          return { status: 200, headers: {}, body: Readable.from([]) };
        },
      );
      const { protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: [alg] });
      expect(protectedHeader.jwk).not.toHaveProperty('d');
      expect(await calculateJwkThumbprint(protectedHeader.jwk as JWK)).toBe(
        await calculateJwkThumbprint({ ...publicHalf(key) }),
      );
    },
  );

  it('is another one for each sign-in', async () => {
    const [first, second] = await Promise.all([1, 2].map(() => withKey({ alg: 'ES256', demanded: true })));
    expect(first?.key.x).not.toBe(second?.key.x);
  });
});
