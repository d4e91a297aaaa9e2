import type { AuthInfo } from '@modelcontextprotocol/server';
import { userOf } from '../caller.ts';
import type { RememberingVerifier } from '../token-verifier/cached-token-verifier.ts';
import { claimsOf } from '../token-verifier/claims.ts';
import { TokenRefused } from '../token-verifier/refusal.ts';
import { SharedStateUnavailable, type Revocations } from './shared-state.ts';

/** The subjects that tokens can be revoked by. */
export const subjects = {
  user: (user: string) => `user:${user}`,
  client: (clientId: string) => `client:${clientId}`,
  userOfClient: (user: string, clientId: string) => `user:${user} client:${clientId}`,
  /** Not a token's: that FusionAuth has changed its keys, which all nodes must hear just as surely. */
  signingKeys: (change: string) => `signing-keys:${change}`,
};

/** Whether it is one of {@link subjects}.signingKeys. */
export const isOfSigningKeys = (subject: string): boolean => subject.startsWith(subjects.signingKeys(''));

/**
 * A verifier that also refuses revoked tokens. It stands outside of any cache, so that a revocation counts for tokens that are
 * known to be good.
 */
export function unrevoked(
  verifier: RememberingVerifier,
  revocations: Revocations,
): Required<RememberingVerifier> {
  const check = (authInfo: AuthInfo): AuthInfo => {
    if (isRevoked(authInfo, revocations)) throw new TokenRefused({ reason: 'revoked' });
    return authInfo;
  };
  return {
    known: (token) => {
      const authInfo = verifier.known?.(token);
      return authInfo && check(authInfo);
    },
    verifyAccessToken: async (token) => check(await verifier.verifyAccessToken(token)),
  };
}

/** @throws TokenRefused `revocations-unknown` */
export function isRevoked(authInfo: AuthInfo, revocations: Revocations): boolean {
  const { iat } = claimsOf(authInfo);
  // A token that does not say when it was issued counts as issued before any revocation.
  const issuedAt = typeof iat === 'number' ? iat : 0;
  try {
    return subjectsOf(authInfo).some((subject) => revocations.isRevoked(subject, issuedAt));
  } catch (error) {
    if (!(error instanceof SharedStateUnavailable)) throw error;
    throw new TokenRefused({ reason: 'revocations-unknown', detail: error.message });
  }
}

/** By what a token may be revoked. */
export function subjectsOf(authInfo: AuthInfo): string[] {
  const user = userOf(authInfo);
  const { clientId } = authInfo;
  const ofClient = subjects.client(clientId);
  return user === undefined
    ? [ofClient]
    : [subjects.user(user), ofClient, subjects.userOfClient(user, clientId)];
}
