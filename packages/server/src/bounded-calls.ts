import pLimit from 'p-limit';
import type { Answer } from './fusionauth.ts';

/** Calls at once, and calls that wait for one of those to end. */
const concurrency = 16;
const waiting = 500;

const busy: Answer = { ok: false, detail: 'too many calls wait already' };

/** How {@link boundedCalls} are bounded. */
export interface Bounds {
  /** Milliseconds between the end of a call that got no answer and the next try. */
  readonly pause: number;
  /** Whether that try keeps nobody waiting: its caller gets the failure that is known. */
  readonly triesInBackground?: boolean;
  /** Hears that no answer comes, and why; undefined: that one has come again. */
  readonly onChange?: (silence: string | undefined) => void;
}

/**
 * Bounds calls of one kind, so that no flood of requests here becomes one there: some at once, some that wait. After one that got
 * no answer all others get that failure at once, and are not held for its deadline: but for one at a time, after a pause, which
 * finds out whether there are answers again. One that gets none while later ones are answered says nothing about the others.
 *
 * @param call never rejects
 */
export function boundedCalls<Argument extends string[]>(
  call: (...args: Argument) => Promise<Answer>,
  { pause, triesInBackground = false, onChange }: Bounds,
): (...args: Argument) => Promise<Answer> {
  const limit = pLimit(concurrency);
  let failure: { readonly at: number; readonly answer: Answer } | undefined;
  let lastAnswer = Number.NEGATIVE_INFINITY;
  let isTrying = false;

  async function ask(args: Argument): Promise<Answer> {
    const begin = performance.now();
    const answer = await call(...args);
    // Any HTTP answer, good or bad, is one: a token that breaks something there shall not shut out the others.
    if (answer.ok || answer.status !== undefined) {
      lastAnswer = performance.now();
      if (failure !== undefined) onChange?.(undefined);
      failure = undefined;
    } else if (begin >= lastAnswer) {
      if (failure === undefined) onChange?.(answer.detail);
      failure = { at: performance.now(), answer: { ...answer, ofEarlierCall: true } };
    }
    return answer;
  }

  async function afterFailure(known: NonNullable<typeof failure>, args: Argument): Promise<Answer> {
    if (isTrying || performance.now() - known.at < pause) return known.answer;
    isTrying = true;
    const answer = ask(args).finally(() => (isTrying = false));
    return triesInBackground ? known.answer : answer;
  }

  return async (...args) => {
    if (failure !== undefined) return afterFailure(failure, args);
    if (limit.pendingCount >= waiting) return busy;
    return limit(async () => (failure === undefined ? ask(args) : afterFailure(failure, args)));
  };
}
