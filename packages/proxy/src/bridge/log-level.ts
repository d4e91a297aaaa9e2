import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import type { Ask } from './resource-subscriptions.ts';

/** How long a request waits for the server to be told how much it shall log. */
const takenWithin = 10_000;

/** From the most to the least (RFC 5424, section 6.2.1). */
export const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Whether a log message is to be heard by who asked for messages from `wanted` on; who asked for none hears none. */
export function isHeard(level: unknown, wanted: unknown): boolean {
  const least = levels.indexOf(String(wanted));
  if (least < 0) return false;
  const rank = levels.indexOf(String(level));
  // What kind of level that is nobody knows; who wants to hear something may want to hear this.
  return rank < 0 || rank >= least;
}

/** The level at which everybody hears what he asked for; undefined when nobody asked. */
function mostTalkative(wanted: readonly unknown[]): string | undefined {
  return levels.find((level) => wanted.includes(level));
}

/**
 * Tells the server how much it shall log. Its level holds for all requests, the host's wish for one.
 *
 * @returns resolves when the server knows; never throws, since a server that keeps its own level is no reason to refuse a
 *   request
 */
export function createLogLevel(ask: Ask, log: Log): (wanted: readonly unknown[]) => Promise<void> {
  let told: { level: string; done: Promise<void> } | undefined;
  const tell = async (level: string, before: Promise<void> | undefined): Promise<void> => {
    await before;
    try {
      const { error } = await withDeadline(ask('logging/setLevel', { level }), {
        milliseconds: takenWithin,
        error: () => new Error('no answer'),
      });
      if (error !== undefined) throw new Error(error.message);
    } catch (error) {
      log.debug('the server keeps its own log level', { level, error: messageOf(error) });
    }
  };
  return async (wanted) => {
    const level = mostTalkative(wanted);
    if (level === undefined) return;
    if (told?.level !== level) told = { level, done: tell(level, told?.done) };
    await told.done;
  };
}
