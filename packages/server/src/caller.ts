import type { AuthInfo } from '@modelcontextprotocol/server';
import { claimsOf } from './token-verifier/claims.ts';

/** Who calls, through what. */
export interface Caller {
  /** The user's id (`sub`); undefined when the verifier told none. */
  readonly user: string | undefined;
  readonly clientId: string | undefined;
  /** The token's scopes, separated by spaces. */
  readonly scope: string | undefined;
}

/** The caller that a verified token stands for. */
export function callerOf(authInfo: AuthInfo | undefined): Caller {
  const sub = authInfo && claimsOf(authInfo)['sub'];
  return {
    user: typeof sub === 'string' ? sub : undefined,
    clientId: authInfo?.clientId,
    scope: authInfo?.scopes.join(' '),
  };
}
