import pLimit from 'p-limit';
import type { Answer } from './fusionauth.ts';

/** Calls at once, and calls that wait for one of those to end. */
const concurrency = 16;
const waiting = 500;

const busy: Answer = { ok: false, detail: 'too many calls wait already' };

/**
 * Bounds calls of one kind, so that no flood of requests here becomes one there: some at once, some that wait, and none for a
 * moment after one that got no answer, so that requests are not held for another's deadline.
 *
 * @param pause milliseconds
 */
export function boundedCalls<Argument extends string[]>(
  call: (...args: Argument) => Promise<Answer>,
  pause: number,
): (...args: Argument) => Promise<Answer> {
  const limit = pLimit(concurrency);
  let failure: { readonly at: number; readonly answer: Answer } | undefined;
  const isPausing = (): boolean => failure !== undefined && performance.now() - failure.at < pause;
  return async (...args) => {
    if (limit.pendingCount >= waiting) return busy;
    return limit(async () => {
      if (failure !== undefined && isPausing()) return failure.answer;
      const answer = await call(...args);
      // Any HTTP answer, good or bad, is one: a token that breaks something there shall not shut out the others.
      if (!answer.ok && answer.status === undefined) failure = { at: performance.now(), answer };
      return answer;
    });
  };
}
