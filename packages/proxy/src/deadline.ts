import type { Signal } from './cancellation.ts';
/** A wait with a name: how long it may take and what its end means. */
export interface Deadline {
  readonly milliseconds: number;
  /** The error when the time is up. */
  readonly error: (milliseconds: number) => Error;
  /** Ends the wait early; the signal's reason is thrown. */
  readonly signal?: Signal | undefined;
}

/** Waits for `work`, at most until the deadline or until the signal is aborted. The timer never outlives the wait. */
export async function withDeadline<Value>(work: Promise<Value>, deadline: Deadline): Promise<Value> {
  const { milliseconds, error, signal } = deadline;
  // Whatever becomes of work that nobody waits for any more concerns nobody.
  work.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(error(milliseconds));
    }, milliseconds);
  });
  try {
    const inTime = Promise.race([work, late]);
    return await (signal === undefined ? inTime : unlessAborted(inTime, signal));
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for `work`, at most until the signal is aborted; the signal's reason is thrown. */
export async function unlessAborted<Value>(work: Promise<Value>, signal: Signal): Promise<Value> {
  work.catch(() => undefined);
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const end = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
