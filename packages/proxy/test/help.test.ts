import { describe, expect, it } from 'vitest';
import { commands } from '../src/config.ts';
import { helpText } from '../src/help.ts';
import { options } from '../src/options.ts';

describe('--help', () => {
  it.each(Object.values(options).map(({ flag }) => flag))('lists --%s', (flag) => {
    expect(helpText()).toMatch(new RegExp(`^  --${flag}\\b`, 'mu'));
  });

  it.each(commands)('lists the command %s', (command) => {
    expect(helpText()).toMatch(new RegExp(`^  ${command}\\b`, 'mu'));
  });

  it('says how a secret stays out of the argv', () => {
    for (const { flag, secret } of Object.values(options)) {
      const entry = new RegExp(`^  --${flag} [^]*?(?=^  --)`, 'mu').exec(helpText())?.[0] ?? '';
      expect(entry.includes('@file'), flag).toBe(secret === true);
    }
  });

  it('fits a terminal of 120 columns', () => {
    for (const line of helpText().split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });
});
