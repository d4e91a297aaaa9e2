import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchParent, type Family } from '../src/parent-watch.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Whether the watch has called after three looks, of which the last two see the family as it is then. */
function isMissed(before: Family, after: Family): boolean {
  let current = before;
  const family: Family = { ppid: () => current.ppid(), isRunning: (pid) => current.isRunning(pid) };
  const onGone = vi.fn();
  const stop = watchParent(onGone, { interval: 10, family });
  vi.advanceTimersByTime(10);
  expect(onGone).not.toHaveBeenCalled();
  current = after;
  vi.advanceTimersByTime(20);
  expect(onGone.mock.calls.length).toBeLessThan(2);
  stop();
  return onGone.mock.calls.length === 1;
}

const family = (ppid: number, running = true): Family => ({ ppid: () => ppid, isRunning: () => running });

test('a parent that is still there is not missed', () => {
  expect(isMissed(family(42), family(42))).toBe(false);
});

test('a process that was given to another parent has lost its own', () => {
  expect(isMissed(family(42), family(1))).toBe(true);
});

test('a parent whose number is all that is left of it is gone', () => {
  expect(isMissed(family(42), family(42, false))).toBe(true);
});

test('who was started by the first process of all is not watched for', () => {
  expect(isMissed(family(1), family(7, false))).toBe(false);
});

test('this very process has a parent', () => {
  const onGone = vi.fn();
  const stop = watchParent(onGone, { interval: 10 });
  vi.advanceTimersByTime(50);
  stop();
  expect(onGone).not.toHaveBeenCalled();
});

test('nothing is watched any more after the end', () => {
  const onGone = vi.fn();
  let ppid = 42;
  watchParent(onGone, { interval: 10, family: { ppid: () => ppid, isRunning: () => true } })();
  ppid = 1;
  vi.advanceTimersByTime(50);
  expect(onGone).not.toHaveBeenCalled();
});
