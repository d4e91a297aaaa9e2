import type { IncomingMessage } from 'node:http';
import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import { wireDescriptions } from './errors.ts';

/**
 * Refuses a request that carries more than one access token (RFC 6750, section 3.1): of two Authorization headers, or of a
 * header and the query, a proxy in front may have looked at the other one. A token in the query alone is none (MCP, "Access
 * Token Usage"): it would stand in logs.
 *
 * @throws OAuthError `invalid_request`
 */
export function requireSingleCredential({ rawHeaders, url }: IncomingMessage): void {
  let count = 0;
  // `headers` has the first one only.
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 13 && name.toLowerCase() === 'authorization') count += 1;
  }
  if (count === 1 && hasTokenInQuery(url)) count = 2;
  if (count > 1) throw new OAuthError(OAuthErrorCode.InvalidRequest, wireDescriptions.severalCredentials);
}

function hasTokenInQuery(url = ''): boolean {
  const start = url.indexOf('?');
  return start >= 0 && new URLSearchParams(url.slice(start)).has('access_token');
}
