import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { StateFolder } from '../src/state-folder.ts';
import { refusalOf } from './support/failure.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const newFolder = async (): Promise<StateFolder> =>
  new StateFolder(path.join(await temporaryFolder(), 'a', 'b'));

/** Holds a lock until it is told to let go; resolves when it is held. */
async function hold(folder: StateFolder, name: string): Promise<{ release: () => Promise<void> }> {
  let letGo = (): void => undefined;
  const until = new Promise<void>((resolve) => (letGo = resolve));
  let held: Promise<void> | undefined;
  await new Promise<void>((resolve) => {
    held = folder.locked(name, () => {
      resolve();
      return until;
    });
  });
  return {
    release: async () => {
      letGo();
      await held;
    },
  };
}

describe('files in the state folder', () => {
  it('have no text before they are written, and that text afterwards', async () => {
    const folder = await newFolder();
    expect(await folder.read('file')).toBeUndefined();
    await folder.write('file', 'grüße');
    expect(await folder.read('file')).toBe('grüße');
    await folder.write('file', 'shorter');
    expect(await folder.read('file')).toBe('shorter');
    expect(await readdir(folder.path)).toEqual(['file']);
  });

  it.skipIf(process.platform === 'win32')(
    'are for their user only, folder and files (Windows has no modes: skipped there)',
    async () => {
      const folder = await newFolder();
      await folder.write('file', 'text');
      expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
      expect((await stat(path.join(folder.path, 'file'))).mode & 0o777).toBe(0o600);
    },
  );

  it('cannot be where a file is: reading, writing and locking say so', async () => {
    const file = path.join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    const folder = new StateFolder(file);
    for (const work of [
      () => folder.read('x'),
      () => folder.write('x', ''),
      () => folder.locked('x', () => Promise.resolve()),
    ]) {
      const { code, message, remedy } = await refusalOf(work);
      expect(code).toBe('state-folder-unusable');
      expect(message).toContain(file);
      expect(remedy).toContain('MCP_KEYHOLE_DIR');
    }
  });

  it.skipIf(process.platform !== 'linux')(
    'cannot be in a folder that is not writable, not even for root (Linux has one: skipped elsewhere)',
    async () => {
      const folder = new StateFolder('/sys/mcp-keyhole');
      expect((await refusalOf(() => folder.write('x', ''))).code).toBe('state-folder-unusable');
    },
  );

  it('cannot be read when they are folders', async () => {
    const folder = await newFolder();
    await mkdir(path.join(folder.path, 'sign-ins.json'), { recursive: true });
    expect((await refusalOf(() => folder.read('sign-ins.json'))).code).toBe('state-folder-unusable');
  });
});

describe('a lock', () => {
  it('lets one holder at a time work, and everybody in the end', async () => {
    const { path: place } = await newFolder();
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise(setImmediate);
      inside -= 1;
    };
    // A StateFolder each, as processes have.
    await Promise.all([1, 2, 3, 4].map(() => new StateFolder(place).locked('x', work)));
    expect(most).toBe(1);
  });

  it('of another name does not wait', async () => {
    const folder = await newFolder();
    const { release } = await hold(folder, 'x');
    expect(await folder.locked('y', () => Promise.resolve('done'))).toBe('done');
    await release();
  });

  it('says with each try that it waits, and gets its turn when the holder lets go', async () => {
    const folder = await newFolder();
    const { release } = await hold(folder, 'x');
    let waits = 0;
    let tries = 0;
    let released: Promise<void> | undefined;
    const { signal } = new AbortController();
    // Asked before each try.
    signal.throwIfAborted = () => {
      tries += 1;
      if (tries === 3) released = release();
    };
    const onWait = (): number => (waits += 1);
    expect(await folder.locked('x', () => Promise.resolve('second'), { signal, onWait })).toBe('second');
    await released;
    expect(waits).toBeGreaterThanOrEqual(2);
  });

  it('does not say that it waits when nobody holds it', async () => {
    const folder = await newFolder();
    const options = { onWait: () => expect.unreachable() };
    expect(await folder.locked('x', () => Promise.resolve('done'), options)).toBe('done');
  });

  it('is free again after work that fails, and passes its error on', async () => {
    const folder = await newFolder();
    const failing = folder.locked('x', () => Promise.reject(new Error('boom')));
    await expect(failing).rejects.toThrow('boom');
    expect(await folder.locked('x', () => Promise.resolve('done'))).toBe('done');
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('ends its wait with the reason of the signal and does no work', async () => {
    const folder = await newFolder();
    const { release } = await hold(folder, 'x');
    const abort = new AbortController();
    const reason = new Error('the host has gone');
    const work = (): Promise<never> => expect.unreachable();
    const second = folder.locked('x', work, {
      signal: abort.signal,
      onWait: () => {
        abort.abort(reason);
      },
    });
    await expect(second).rejects.toBe(reason);
    await expect(folder.locked('y', work, { signal: abort.signal })).rejects.toBe(reason);
    await release();
  });

  it('of a holder that died is taken over', async () => {
    const folder = await newFolder();
    // What a killed process leaves behind: its lock, without a sign of life for a minute.
    const lock = path.join(folder.path, 'x.lock');
    await mkdir(lock, { recursive: true });
    const then = new Date(Date.now() - 60_000);
    await utimes(lock, then, then);
    expect(await folder.locked('x', () => Promise.resolve('mine'))).toBe('mine');
  });
});
