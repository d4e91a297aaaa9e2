import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askHidden, confirm } from '../src/commands/prompt.ts';
import { failureOf } from './support/failure.ts';

const { signal } = new AbortController();

/** A terminal that keeps what happened to it, in order. */
function person() {
  const events: string[] = [];
  const input = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (raw: boolean) => events.push(raw ? 'echo off' : 'echo on'),
  });
  return { events, input, output: { write: (text: string) => events.push(text) } };
}

describe('a hidden question', () => {
  it('is asked once the terminal no longer shows what is typed, which it does again afterwards', async () => {
    const { events, ...terminal } = person();
    const answer = askHidden(terminal, 'Secret: ', signal);
    terminal.input.write('hunter2\r');
    expect(await answer).toBe('hunter2');
    expect(events).toEqual(['echo off', 'Secret: ', 'echo on', '\n']);
  });

  it('understands corrections, and takes the end of input for nothing', async () => {
    const first = person();
    first.input.end('hunx\u007fter2\r');
    expect(await askHidden(first, 'Secret: ', signal)).toBe('hunter2');
    const second = person();
    second.input.end();
    expect(await askHidden(second, 'Secret: ', signal)).toBe('');
  });

  it('ends with the signal, and the terminal shows again what is typed', async () => {
    const { events, ...terminal } = person();
    const ending = new AbortController();
    const answer = failureOf(() => askHidden(terminal, 'Secret: ', ending.signal));
    ending.abort(new Error('interrupted'));
    expect((await answer).message).toBe('interrupted');
    expect(events).toContain('echo on');
    const late = person();
    expect((await failureOf(() => askHidden(late, 'Secret: ', ending.signal))).message).toBe('interrupted');
    expect(late.events.at(-2)).toBe('echo on');
  });
});

describe('a question for yes or no', () => {
  it.each([
    ['y\n', true],
    ['Yes\n', true],
    ['\n', false],
    ['yellow\n', false],
    ['', false],
  ])('understands %j', async (typed, expected) => {
    const { events, ...terminal } = person();
    terminal.input.end(typed);
    expect(await confirm(terminal, 'Sure?', signal)).toBe(expected);
    expect(events).toEqual(['Sure? [y/N] ']);
  });
});
