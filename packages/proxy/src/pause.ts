import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits before something is tried again.
 *
 * @param milliseconds the time to wait
 * @param signal ends the wait; its reason is thrown
 */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}
