import type { ServerResponse } from 'node:http';
import { challengeByDpop } from '../bearer-challenge.ts';

type WriteHead = (status: number, ...rest: unknown[]) => ServerResponse;

/**
 * Has the challenge of a tool whose scopes a bound token lacks name DPoP (RFC 9449, section 7.1): the SDK words it, whatever the
 * token, for Bearer. It stands behind the check of the proof, for requests with bound tokens only.
 */
export function challengeBound(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as WriteHead;
  const byDpop: WriteHead = (status, ...rest) =>
    writeHead(status, ...(status === 403 ? rest.map(withChallenge) : rest));
  response.writeHead = byDpop;
}

function withChallenge(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return headers;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]: [string, unknown]) => [
      name,
      name.toLowerCase() === 'www-authenticate' && typeof value === 'string' ? challengeByDpop(value) : value,
    ]),
  );
}
