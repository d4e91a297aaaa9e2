import { describe, expect, it } from 'vitest';
import { boundedCalls } from '../src/bounded-calls.ts';
import type { Answer } from '../src/fusionauth.ts';

const good: Answer = { ok: true, value: {} };
const silence: Answer = { ok: false, detail: 'no answer' };

/** Calls that are answered when the test says so. */
function held(): { call: (token: string) => Promise<Answer>; open: ((answer: Answer) => void)[] } {
  const open: ((answer: Answer) => void)[] = [];
  return { call: async () => new Promise((resolve) => open.push(resolve)), open };
}
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('calls of FusionAuth', () => {
  it('are 16 at once, and 500 wait; those beyond fail at once', async () => {
    const { call, open } = held();
    const bounded = boundedCalls(call, { pause: 60_000 });
    const answers = Array.from({ length: 516 }, async () => bounded('token'));
    await turn();
    expect(open).toHaveLength(16);
    expect(await bounded('one more')).toMatchObject({ ok: false, detail: 'too many calls wait already' });
    // One is not answered: who waits does not wait for a deadline of his own.
    open[0]?.(silence);
    for (const resolve of open.slice(1)) resolve(silence);
    expect(new Set((await Promise.all(answers)).map(({ ok }) => ok))).toEqual(new Set([false]));
    expect(open).toHaveLength(16);
  });

  it('that get no answer are tried one at a time, after the pause, until one is answered', async () => {
    const { call, open } = held();
    const changes: (string | undefined)[] = [];
    const bounded = boundedCalls(call, { pause: 0, onChange: (change) => void changes.push(change) });
    const first = bounded('token');
    await turn();
    open[0]?.(silence);
    expect(await first).toEqual(silence);
    const trial = bounded('token');
    const others = await Promise.all(Array.from({ length: 50 }, async () => bounded('token')));
    expect(others).toEqual(others.map(() => ({ ...silence, ofEarlierCall: true })));
    expect(open).toHaveLength(2);
    open[1]?.(good);
    expect(await trial).toEqual(good);
    const next = [bounded('token'), bounded('token')];
    await turn();
    for (const resolve of open.slice(2)) resolve(good);
    expect(await Promise.all(next)).toEqual([good, good]);
    expect(changes).toEqual(['no answer', undefined]);
  });

  it('are not held back by one that gets no answer while others are answered', async () => {
    const { call, open } = held();
    const changes: (string | undefined)[] = [];
    const bounded = boundedCalls(call, { pause: 60_000, onChange: (change) => void changes.push(change) });
    const slow = bounded('slow');
    await turn();
    const quick = bounded('quick');
    await turn();
    open[1]?.(good);
    expect(await quick).toEqual(good);
    open[0]?.(silence);
    expect(await slow).toEqual(silence);
    const next = bounded('next');
    await turn();
    open[2]?.(good);
    expect(await next).toEqual(good);
    expect(changes).toEqual([]);
  });

  it('are not tried during the pause, and in the background for nobody to wait', async () => {
    const pausing = held();
    const bounded = boundedCalls(pausing.call, { pause: 60_000 });
    const first = bounded('token');
    await turn();
    pausing.open[0]?.(silence);
    await first;
    expect(await bounded('token')).toMatchObject({ ofEarlierCall: true });
    expect(pausing.open).toHaveLength(1);

    const { call, open } = held();
    const background = boundedCalls(call, { pause: 0, triesInBackground: true });
    const failed = background('token');
    await turn();
    open[0]?.(silence);
    await failed;
    expect(await background('token')).toMatchObject({ ofEarlierCall: true });
    expect(open).toHaveLength(2);
    open[1]?.({ ok: false, status: 500, detail: 'HTTP status 500' });
    await turn();
    const answered = background('token');
    await turn();
    open[2]?.(good);
    expect(await answered).toEqual(good);
  });
});
