import type { Signal } from './cancellation.ts';
import { unlessAborted } from './deadline.ts';

/**
 * Waits before something is tried again.
 *
 * @param milliseconds the time to wait
 * @param signal ends the wait; its reason is thrown
 */
export async function pause(milliseconds: number, signal: Signal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await unlessAborted(over, signal);
  } finally {
    clearTimeout(timer);
  }
}
