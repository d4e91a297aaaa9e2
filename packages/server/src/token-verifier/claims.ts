import type { AuthInfo } from '@modelcontextprotocol/server';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import type { Claims } from '../fusionauth.ts';
import { TokenRefused } from './refusal.ts';

/** What a token must say to be for this server. */
export interface Expectation {
  /** The tenant's issuer, compared letter by letter. */
  readonly issuer: string;
  /** The protected resource that must be among the token's audiences (RFC 8707, RFC 9068 section 4). */
  readonly resource: string;
}

/**
 * Checks what FusionAuth's validation leaves out: that its token is of the right tenant and for this server. Any other
 * application's token passes FusionAuth's validation as well.
 *
 * @throws TokenRefused
 */
export function authInfoOf(token: string, claims: Claims, expectation: Expectation): AuthInfo {
  const { iss, exp, scope } = claims;
  if (iss !== expectation.issuer) {
    throw new TokenRefused({ reason: 'wrong-issuer', found: show(iss), expected: expectation.issuer });
  }
  // A string while no resource was resolved, else [client id, resource, …].
  const audiences: readonly unknown[] = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']];
  if (!audiences.includes(expectation.resource)) {
    const found = audiences.map(show).join(' ');
    throw new TokenRefused({ reason: 'wrong-audience', found, expected: expectation.resource });
  }
  const [clientId] = audiences;
  if (typeof clientId !== 'string') throw new TokenRefused({ reason: 'incomplete-claims', missing: 'aud' });
  if (typeof exp !== 'number') throw new TokenRefused({ reason: 'incomplete-claims', missing: 'exp' });
  return {
    token,
    clientId,
    scopes: typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : [],
    expiresAt: exp,
    resource: new URL(expectation.resource),
    extra: { claims },
  };
}

/** The verified claims that {@link authInfoOf} put into an AuthInfo. */
export function claimsOf(authInfo: AuthInfo): Claims {
  return (authInfo.extra?.['claims'] ?? {}) as Claims;
}

function show(claim: unknown): string {
  return cleanLine(typeof claim === 'string' ? claim : JSON.stringify(claim ?? null), 200);
}
