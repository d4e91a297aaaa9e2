import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepCompiled } from '../src/compile-cache.ts';

let state = '';
let kept: string[] = [];
const keep = (): string | undefined =>
  keepCompiled({ MCP_KEYHOLE_DIR: state }, (folder) => void kept.push(folder));

beforeEach(() => {
  state = mkdtempSync(path.join(tmpdir(), 'keyhole-test-'));
  kept = [];
});
afterEach(() => {
  rmSync(state, { recursive: true, force: true });
});

describe('what Node has compiled', () => {
  it('is kept in the state folder, where nobody else can write', () => {
    const folder = path.join(state, 'compiled');
    expect(keep()).toBe(folder);
    expect(kept).toEqual([folder]);
    if (process.platform !== 'win32') expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('is kept also when the state folder is not there yet', () => {
    rmSync(state, { recursive: true });
    expect(keep()).toBe(path.join(state, 'compiled'));
  });

  const spoilt: Record<string, (folder: string) => void> = {
    'others can write to': (folder) => {
      mkdirSync(folder);
      chmodSync(folder, 0o777);
    },
    'is a link': (folder) => {
      mkdirSync(path.join(state, 'elsewhere'), { mode: 0o700 });
      symlinkSync(path.join(state, 'elsewhere'), folder);
    },
    'is a file': (folder) => writeFileSync(folder, ''),
  };
  it.each(Object.entries(spoilt))('is not kept, and nothing fails, in a folder that %s', (_what, spoil) => {
    spoil(path.join(state, 'compiled'));
    expect(keep()).toBeUndefined();
    expect(kept).toEqual([]);
  });
});
