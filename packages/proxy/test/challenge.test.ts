import { describe, expect, it } from 'vitest';
import { readChallenge } from '../src/http/challenge.ts';

const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource';

describe('a Bearer challenge', () => {
  it.each([
    [`Bearer error="invalid_token", scope="a b", resource_metadata="${metadata}"`],
    [`bearer   scope="a b" ,error=invalid_token,  resource_metadata=${metadata}`],
    [
      `Basic realm="x", Bearer resource_metadata="${metadata}", scope="a b", error="invalid_token", Other scope="c"`,
    ],
    [`Negotiate abc==, Bearer error="invalid_token", scope="a b", resource_metadata="${metadata}"`],
    [`Negotiate abc, Bearer error="invalid_token", scope="a b", resource_metadata="${metadata}"`],
    [`Bearer SCOPE="a b", Error="invalid_token", Resource_Metadata="${metadata}", scope="second"`],
    [`Bearer realm="a, Bearer \\"b\\"", scope="a b", error="invalid_token", resource_metadata="${metadata}"`],
    [
      `Bearer realm="a, DPoP b", scope="a b", error="invalid_token", resource_metadata="${metadata}", Bearer scope="c"`,
    ],
  ])('is read in every form: %s', (header) => {
    expect(readChallenge(header)).toEqual({
      error: 'invalid_token',
      scope: 'a b',
      resourceMetadataUrl: new URL(metadata),
    });
  });

  it.each([
    [undefined],
    [''],
    [', ,'],
    ['Basic realm="Bearer"'],
    ['Basic realm="x, Bearer scope=a"'],
    ['Bearerish scope="a"'],
    ['scope="a"'],
  ])('is not in %j', (header) => {
    expect(readChallenge(header)).toEqual({});
  });

  it('may be bare', () => {
    expect(readChallenge('Bearer')).toEqual({});
  });

  it('has no metadata where that is no URL', () => {
    expect(readChallenge('Bearer resource_metadata="nowhere"').resourceMetadataUrl).toBeUndefined();
  });
});

describe('a DPoP challenge', () => {
  it('alone demands that tokens are bound to a key', () => {
    const header = `DPoP algs="ES256 EdDSA", scope="a b", error="invalid_token", resource_metadata="${metadata}"`;
    expect(readChallenge(header)).toEqual({
      error: 'invalid_token',
      proofError: 'invalid_token',
      scope: 'a b',
      resourceMetadataUrl: new URL(metadata),
      dpop: { demanded: true, algorithms: ['ES256', 'EdDSA'] },
    });
    expect(readChallenge('dpop').dpop).toEqual({ demanded: true });
  });

  it.each([
    [`Bearer scope="a", resource_metadata="${metadata}", DPoP algs=ES256`],
    [`DPoP algs="ES256", Bearer scope="a", resource_metadata="${metadata}"`],
    [`DPoP algs="ES256", scope="second", Bearer resource_metadata="${metadata}", scope="a"`],
  ])('beside one for bearer tokens is an offer: %s', (header) => {
    expect(readChallenge(header)).toEqual({
      scope: 'a',
      resourceMetadataUrl: new URL(metadata),
      dpop: { demanded: false, algorithms: ['ES256'] },
    });
  });

  it('says apart what is wrong with a proof', () => {
    const header = 'Bearer error="invalid_token", DPoP error="use_dpop_nonce"';
    expect(readChallenge(header)).toMatchObject({ error: 'invalid_token', proofError: 'use_dpop_nonce' });
    expect(readChallenge('Bearer error="use_dpop_nonce"').proofError).toBeUndefined();
  });
});
