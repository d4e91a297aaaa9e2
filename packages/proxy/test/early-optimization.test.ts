import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { optimizeEarly } from '../src/early-optimization.ts';

function flagsFor(version: string): string[] {
  const flags: string[] = [];
  optimizeEarly(version, (flag) => void flags.push(flag));
  return flags;
}

it('asks each V8 in its own words', () => {
  expect(flagsFor('11.3.244.8-node.30')).toEqual(['--interrupt-budget=4000']);
  expect(flagsFor('12.4.254.21-node.33')).toEqual(['--invocation-count-for-turbofan=300']);
});

it('leaves a V8 alone that optimizes early by itself, or that nobody knows yet', () => {
  expect(flagsFor('13.6.233.10-node.18')).toEqual([]);
  expect(flagsFor('99.0')).toEqual([]);
});

it('asks the V8 that runs here for nothing that it does not know', () => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  for (const flag of flagsFor(process.versions.v8)) {
    expect(known).toMatch(new RegExp(`^ +${flag.replace(/=.*$/u, '')} \\(`, 'mu'));
  }
});
