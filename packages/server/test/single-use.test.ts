import { describe, expect, it } from 'vitest';
import { SharedStateUnavailable } from '../src/shared-state/shared-state.ts';
import { MemorySingleUse } from '../src/shared-state/single-use.ts';

describe('what was used on this node', () => {
  it('cannot be used again until its lifetime is over', async () => {
    let now = 0;
    const uses = new MemorySingleUse(10, () => now);
    expect(await uses.take('a', 100)).toBe(true);
    now = 99;
    expect(await uses.take('a', 100)).toBe(false);
    now = 100;
    expect(await uses.take('a', 100)).toBe(true);
  });

  it('is never forgotten for want of room: further uses are refused, until something has ended', async () => {
    let now = 0;
    const uses = new MemorySingleUse(2, () => now);
    expect(await uses.take('a', 100)).toBe(true);
    now = 50;
    expect(await uses.take('b', 100)).toBe(true);
    await expect(uses.take('c', 100)).rejects.toThrow(SharedStateUnavailable);
    expect(await uses.take('a', 100)).toBe(false);
    now = 100;
    expect(await uses.take('c', 100)).toBe(true);
    expect(await uses.take('b', 100)).toBe(false);
  });
});
