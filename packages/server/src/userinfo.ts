import type { AuthInfo } from '@modelcontextprotocol/server';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { isBound } from './dpop/possession.ts';
import type { Claims, FusionAuth } from './fusionauth.ts';
import type { Log } from './log.ts';
import { claimsOf } from './token-verifier/claims.ts';

/** The longest name that is shown, in characters. */
const longestName = 200;

/**
 * The name of the user that a token stands for: of userinfo, asked with the caller's token, or where that fails of the
 * token's claims, and without waiting while it is known not to answer. Always something: at last the client's id.
 *
 * A token that is bound to a key has to be presented with a proof by that key there too (RFC 9449, section 7), which only the
 * client can make: its own claims come first.
 */
export async function nameOfUser(fusionAuth: FusionAuth, authInfo: AuthInfo, log: Log): Promise<string> {
  const claimed = nameIn(claimsOf(authInfo));
  if (isBound(authInfo) && claimed !== undefined) return claimed;
  const answer = await fusionAuth.userinfo(authInfo.token);
  if (answer.ok) return nameIn(answer.value) ?? authInfo.clientId;
  if (answer.ofEarlierCall !== true) {
    const why = isBound(authInfo) ? { boundToken: true } : {};
    log.warn(
      { status: answer.status, detail: answer.detail, ...why },
      "userinfo failed; using the token's claims",
    );
  }
  return claimed ?? authInfo.clientId;
}

/** Given and family name, else the preferred user name, else the email address (OpenID Connect Core, section 5.1). */
function nameIn(claims: Claims): string | undefined {
  const fullName = [readable(claims['given_name']), readable(claims['family_name'])]
    .filter((part) => part !== '')
    .join(' ');
  return [fullName, readable(claims['preferred_username']), readable(claims['email'])].find(
    (name) => name !== '',
  );
}

/** Users choose their names, and terminals obey control characters: those are removed. */
function readable(claim: unknown): string {
  return typeof claim === 'string' ? cleanLine(claim, longestName) : '';
}
