import { afterEach, describe, expect, it, vi } from 'vitest';
import { authInfoOf, type Expectation } from '../src/token-verifier/claims.ts';
import { TokenRefused, type Refusal } from '../src/token-verifier/refusal.ts';

const resource = 'https://mcp.example.com/mcp';
const expectation = { issuer: 'http://localhost:9011', resource };
const good = {
  aud: ['client', resource],
  exp: 2_000_000_000,
  iss: 'http://localhost:9011',
  sub: 'user',
  scope: 'openid  get_name',
};

function refusal(claims: Record<string, unknown>, expected: Expectation = expectation): Refusal {
  try {
    authInfoOf('token', claims, expected);
  } catch (error) {
    if (error instanceof TokenRefused) return error.refusal;
  }
  throw new Error('the token was not refused');
}

describe("a validated token's claims", () => {
  it('become an AuthInfo whose client is the first audience, not the subject', () => {
    expect(authInfoOf('token', good, expectation)).toEqual({
      token: 'token',
      clientId: 'client',
      scopes: ['openid', 'get_name'],
      expiresAt: 2_000_000_030,
      resource: new URL(resource),
      extra: { claims: good },
    });
  });

  it.each([
    ['another application', 'client'],
    ['another resource', ['client', 'https://other.example.com/mcp']],
    ['the resource without its path', ['client', 'https://mcp.example.com']],
    ['the resource with a slash added', ['client', `${resource}/`]],
    ['nobody', []],
    ['nothing', undefined],
  ])('are refused for the audience of %s', (_name, aud) => {
    expect(refusal({ ...good, aud })).toMatchObject({ reason: 'wrong-audience', expected: resource });
  });

  it.each(['acme.com', 'http://localhost:9011/', undefined])('are refused for the issuer %s', (iss) => {
    expect(refusal({ ...good, iss })).toMatchObject({ reason: 'wrong-issuer', expected: expectation.issuer });
  });

  it('are shown in the log cleaned and shortened, since a stranger wrote them', () => {
    const shown = refusal({ ...good, iss: `a\n\u001B[31mb${'x'.repeat(1_000)}` });
    expect(shown).toMatchObject({
      reason: 'wrong-issuer',
      found: expect.stringMatching(/^[ -~…]{1,201}$/u) as string,
    });
  });

  it('are refused without a client or an expiry', () => {
    expect(refusal({ ...good, aud: [7, resource] })).toEqual({ reason: 'incomplete-claims', missing: 'aud' });
    expect(refusal({ ...good, exp: 'never' })).toEqual({ reason: 'incomplete-claims', missing: 'exp' });
  });

  describe('by a clock', () => {
    const now = 1_000_000_000;
    afterEach(() => void vi.useRealTimers());

    it.each([
      [{ exp: now - 29 }, undefined, 'good'],
      [{ exp: now - 30 }, undefined, 'expired'],
      [{ exp: now - 4 }, 5, 'good'],
      [{ exp: now - 5 }, 5, 'expired'],
      [{ exp: now + 1 }, 0, 'good'],
      [{ exp: now }, 0, 'expired'],
      [{ nbf: now + 30 }, undefined, 'good'],
      [{ nbf: now + 31 }, undefined, 'not-yet-valid'],
      [{ nbf: now + 1 }, 0, 'not-yet-valid'],
    ])(
      'that shows 1000000000, with %j and a tolerance of %s s, are %s',
      (changes, clockTolerance, expected) => {
        vi.useFakeTimers({ toFake: ['Date'], now: now * 1_000 });
        const claims = { ...good, ...changes };
        const tolerant = { ...expectation, clockTolerance };
        if (expected === 'good') expect(authInfoOf('token', claims, tolerant).clientId).toBe('client');
        else expect(refusal(claims, tolerant)).toEqual({ reason: expected });
      },
    );
  });

  it('may lack scopes: then there are none', () => {
    expect(authInfoOf('token', { ...good, scope: undefined }, expectation).scopes).toEqual([]);
  });
});
