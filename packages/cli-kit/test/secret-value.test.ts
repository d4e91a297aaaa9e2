import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expandEnvironment, readSecret } from '../src/index.ts';

describe('a secret in a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'cli-kit-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('is read from disk, without its last line feed only', () => {
    const file = path.join(folder, 'secret');
    writeFileSync(file, 'one\ntwo\n\n');
    expect(readSecret(`@${file}`, {})).toBe('one\ntwo\n');
  });

  it('is not expanded: the file has the last word', () => {
    const file = path.join(folder, 'secret');
    writeFileSync(file, 'a${B}c');
    expect(readSecret(`@${file}`, { B: 'b' })).toBe('a${B}c');
  });

  it('tells which file cannot be read', () => {
    const file = path.join(folder, 'absent');
    expect(() => readSecret(`@${file}`, {})).toThrow(`the file ${file} cannot be read`);
  });
});

describe('environment variables in a value', () => {
  it('are replaced, each of them, also by nothing', () => {
    expect(expandEnvironment('${A}-${B}-${A}', { A: '1', B: '' })).toBe('1--1');
  });

  it('are replaced once: what a variable holds is not looked at again', () => {
    expect(expandEnvironment('${A}', { A: '${B}', B: 'secret' })).toBe('${B}');
    expect(expandEnvironment('${A}', { A: '$&$1' })).toBe('$&$1');
  });

  it('are written with braces, and nothing else is touched', () => {
    expect(expandEnvironment('$A ${} ${1} {A}', { A: 'x' })).toBe('$A ${} ${1} {A}');
  });

  it('must be set', () => {
    expect(() => expandEnvironment('${A}', {})).toThrow('the environment variable A is not set');
  });
});
