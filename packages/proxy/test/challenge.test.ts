import { describe, expect, it } from 'vitest';
import { readChallenge } from '../src/http/challenge.ts';

const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource';

describe('a Bearer challenge', () => {
  it.each([
    [`Bearer error="invalid_token", scope="a b", resource_metadata="${metadata}"`],
    [`bearer   scope="a b" ,error=invalid_token,  resource_metadata=${metadata}`],
    [
      `Basic realm="x", Bearer resource_metadata="${metadata}", scope="a b", error="invalid_token", DPoP scope="c"`,
    ],
    [`Bearer SCOPE="a b", Error="invalid_token", Resource_Metadata="${metadata}", scope="second"`],
    [`Bearer realm="a, Bearer \\"b\\"", scope="a b", error="invalid_token", resource_metadata="${metadata}"`],
  ])('is read in every form: %s', (header) => {
    expect(readChallenge(header)).toEqual({
      error: 'invalid_token',
      scope: 'a b',
      resourceMetadataUrl: new URL(metadata),
    });
  });

  it.each([[undefined], [''], ['Basic realm="Bearer"'], ['Bearerish scope="a"']])(
    'is not in %j',
    (header) => {
      expect(readChallenge(header).scope).toBeUndefined();
    },
  );

  it('may be bare', () => {
    expect(readChallenge('Bearer')).toEqual({});
  });

  it('has no metadata where that is no URL', () => {
    expect(readChallenge('Bearer resource_metadata="nowhere"').resourceMetadataUrl).toBeUndefined();
  });
});
