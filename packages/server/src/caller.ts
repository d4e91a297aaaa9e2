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
  return {
    user: userOf(authInfo),
    clientId: authInfo?.clientId,
    scope: authInfo?.scopes.join(' '),
  };
}

/** The id of the user whom a verified token stands for; undefined when the verifier told none. */
export function userOf(authInfo: AuthInfo | undefined): string | undefined {
  const sub = authInfo && claimsOf(authInfo)['sub'];
  return typeof sub === 'string' ? sub : undefined;
}
