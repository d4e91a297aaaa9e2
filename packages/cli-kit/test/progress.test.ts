import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgress, type Progress } from '../src/index.ts';

let written: string;

function progress(terminal: { isTTY?: boolean; columns?: number } = {}, timed = false): Progress {
  return createProgress({ ...terminal, write: (text) => (written += text) }, { timed });
}

beforeEach(() => {
  written = '';
  vi.stubEnv('NO_COLOR', '');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('progress outside a terminal', () => {
  it('is plain lines', async () => {
    const told = progress();
    told.heading('Setup');
    expect(
      await told.step(
        'Counting',
        () => Promise.resolve(3),
        (count) => `Counted ${count}.`,
      ),
    ).toBe(3);
    told.note('By the way.');
    expect(written).toBe('\nSetup\n\n… Counting\n✔ Counted 3.\n● By the way.\n');
  });

  it('tells each tenth of a bar', async () => {
    await progress().bar(
      'Counting',
      20,
      (advance) => {
        for (let part = 0; part < 20; part += 1) advance();
        return Promise.resolve();
      },
      'Counted.',
    );
    const lines = written.trim().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[5]).toBe('… Counting ████████████░░░░░░░░░░░░ 10 of 20');
    expect(lines.at(-1)).toBe('✔ Counted.');
  });

  it('tells no tenth of a bar twice where there are fewer parts', async () => {
    const work = (advance: () => void): Promise<void> => {
      advance();
      advance();
      return Promise.resolve();
    };
    await progress().bar('Counting', 2, work, 'Counted.');
    expect(written.match(/… /gu)).toHaveLength(3);
  });

  it('marks a step that fails, and throws on what it threw', async () => {
    const fault = new Error('no');
    await expect(progress().step('Counting', () => Promise.reject(fault), 'Counted.')).rejects.toBe(fault);
    expect(written).toBe('… Counting\n✖ Counting\n');
  });

  it('tells the seconds of each step when asked to', async () => {
    await progress({}, true).step('Counting', () => Promise.resolve(), 'Counted.');
    expect(written).toMatch(/✔ Counted\. \(\d+\.\d s\)\n$/u);
  });
});

describe('progress on a terminal', () => {
  it('moves while something is being done, and draws the result over it', async () => {
    let finish: () => void = () => undefined;
    const step = progress({ isTTY: true }).step(
      'Counting',
      () => new Promise<void>((r) => (finish = r)),
      'Done.',
    );
    await vi.waitUntil(() => written.includes('◓'));
    finish();
    await step;
    expect(written).toMatch(/^\r\S+ Counting…\r/u);
    // eslint-disable-next-line no-control-regex -- the escape sequences are what is looked for
    expect(written).toMatch(/\r\u001b\[K\u001b\[32m✔\u001b\[39m Done\.\n$/u);
  });

  it('never wraps the moving line', async () => {
    await progress({ isTTY: true, columns: 20 }).step('x'.repeat(50), () => Promise.resolve(), 'Done.');
    expect(written).toContain(`${'x'.repeat(17)}\r`);
    await progress({ isTTY: true, columns: 0 }).step('Counting', () => Promise.resolve(), 'Done.');
    expect(written).toContain('Counting…\r');
  });

  it('has no colours when NO_COLOR is set', async () => {
    vi.stubEnv('NO_COLOR', '1');
    await progress({ isTTY: true }).step('Counting', () => Promise.resolve(), 'Done.');
    // eslint-disable-next-line no-control-regex -- as above
    expect(written).not.toMatch(/\u001b\[\d+m/u);
  });
});
