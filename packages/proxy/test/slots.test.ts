import { describe, expect, it } from 'vitest';
import { Slots } from '../src/bridge/slots.ts';

describe('slots', () => {
  it('let so many go at once, and the next when one is given back, in order', async () => {
    const slots = new Slots(2, 1 << 20, { onFull: () => undefined, onRoom: () => undefined });
    const gone: number[] = [];
    const releases = [0, 1, 2, 3].map(async (index) => {
      const release = await slots.take(1);
      gone.push(index);
      return release;
    });
    const first = await releases[0];
    await releases[1];
    expect(gone).toEqual([0, 1]);
    first?.();
    (await releases[2])?.();
    await releases[3];
    expect(gone).toEqual([0, 1, 2, 3]);
  });

  it('say when too much waits, and when there is room again: at half of it', async () => {
    const said: string[] = [];
    const slots = new Slots(10, 10_000, { onFull: () => said.push('full'), onRoom: () => said.push('room') });
    const releases = [await slots.take(4_000), await slots.take(4_000), await slots.take(4_000)];
    expect(said).toEqual(['full']);
    releases[0]?.();
    expect(said).toEqual(['full']);
    releases[1]?.();
    releases[2]?.();
    expect(said).toEqual(['full', 'room']);
  });
});
