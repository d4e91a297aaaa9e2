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
  /** Seconds by which FusionAuth's clock and this one may differ. Default: 30. */
  readonly clockTolerance?: number | undefined;
}

const defaultClockTolerance = 30;

/**
 * Checks the claims of a token: of the right tenant, for this server, and now. FusionAuth's validation checks the time alone:
 * any other application's token passes it as well.
 *
 * @returns an AuthInfo whose `expiresAt` is the moment until which the token is accepted here, the tolerance included
 * @throws TokenRefused
 */
export function authInfoOf(token: string, claims: Claims, expectation: Expectation): AuthInfo {
  const { iss, exp, nbf, scope } = claims;
  const { clockTolerance = defaultClockTolerance } = expectation;
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
  const now = Date.now() / 1_000;
  if (exp + clockTolerance <= now) throw new TokenRefused({ reason: 'expired' });
  if (typeof nbf === 'number' && nbf - clockTolerance > now)
    throw new TokenRefused({ reason: 'not-yet-valid' });
  return {
    token,
    clientId,
    scopes: typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : [],
    expiresAt: exp + clockTolerance,
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
