import { decodeProtectedHeader } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Answer } from './fusionauth.ts';

/** Keys that are remembered: a tenant has a few. */
const mostKeys = 100;

/** Calls for tokens of unproven keys: at once, and a second. */
const burst = 50;
const perSecond = 10;

/** Not a failed call: FusionAuth was not asked. */
const spared: Answer = {
  ok: false,
  status: 429,
  detail: 'too many tokens name keys that signed no good one',
};

/**
 * Spares FusionAuth the tokens that strangers make up. Whoever names a key that is not published has his token looked at by
 * FusionAuth, so that ten thousand made-up tokens would be as many calls. A key that has signed a good token is proven, and its
 * tokens pass; those of all others share a small number of calls, and beyond it nobody can tell: 503, not 401.
 *
 * @param validate asks FusionAuth
 * @param now milliseconds, of a clock that only goes forward
 */
export function sparingly(
  validate: (token: string) => Promise<Answer>,
  now: () => number = () => performance.now(),
): (token: string) => Promise<Answer> {
  const proven = new LRUCache<string, true>({ max: mostKeys });
  let left = burst;
  let filledAt = now();

  function isAllowed(): boolean {
    const at = now();
    left = Math.min(burst, left + ((at - filledAt) / 1_000) * perSecond);
    filledAt = at;
    if (left < 1) return false;
    left -= 1;
    return true;
  }

  return async (token) => {
    const key = keyOf(token);
    if (proven.get(key) === undefined && !isAllowed()) return spared;
    const answer = await validate(token);
    if (answer.ok) proven.set(key, true);
    return answer;
  };
}

function keyOf(token: string): string {
  const { alg = '', kid = '' } = decodeProtectedHeader(token);
  return `${alg} ${kid}`;
}
