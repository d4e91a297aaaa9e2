import { setMaxListeners } from 'node:events';

/**
 * Does `work` with a signal that is aborted as soon as one of the others is. Unlike `AbortSignal.any` it leaves nothing
 * behind at signals that live long.
 */
export async function withLinkedSignal<Value>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController();
  const links = signals.map((signal) => {
    const abort = (): void => {
      controller.abort(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    return () => {
      signal.removeEventListener('abort', abort);
    };
  });
  try {
    return await work(controller.signal);
  } finally {
    for (const unlink of links) unlink();
  }
}

/** A controller whose signal many listen to at once. */
export function lastingController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
