import type { AuthInfo, OAuthTokenVerifier } from '@modelcontextprotocol/server';
import { userOf } from '../caller.ts';
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
export function unrevoked(verifier: OAuthTokenVerifier, revocations: Revocations): OAuthTokenVerifier {
  return {
    verifyAccessToken: async (token) => {
      const authInfo = await verifier.verifyAccessToken(token);
      if (await isRevoked(authInfo, revocations)) throw new TokenRefused({ reason: 'revoked' });
      return authInfo;
    },
  };
}

/** @throws TokenRefused `revocations-unknown` */
export async function isRevoked(authInfo: AuthInfo, revocations: Revocations): Promise<boolean> {
  const { iat } = claimsOf(authInfo);
  // A token that does not say when it was issued counts as issued before any revocation.
  const issuedAt = typeof iat === 'number' ? iat : 0;
  try {
    for (const subject of subjectsOf(authInfo)) {
      if (await revocations.isRevoked(subject, issuedAt)) return true;
    }
    return false;
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
