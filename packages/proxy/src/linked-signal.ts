import { Cancellation, type Signal } from './cancellation.ts';

/** Does `work` with a signal that is aborted as soon as one of the others is, and leaves nothing behind at those. */
export async function withLinkedSignal<Value>(
  signals: readonly Signal[],
  work: (signal: Signal) => Promise<Value>,
): Promise<Value> {
  const linked = new Cancellation();
  const links = signals.map((signal) => {
    const abort = (): void => {
      linked.abort(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    return () => {
      signal.removeEventListener('abort', abort);
    };
  });
  try {
    return await work(linked.signal);
  } finally {
    for (const unlink of links) unlink();
  }
}
