import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { findingCodes } from '../src/doctor/doctor.ts';

it('every finding of the doctor stands in the table of the README, and no other', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, section = ''] = /^## Doctor$(.*?)^## /msu.exec(readme) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => (row.split('|')[1] ?? '').match(/[\w-]+/gu) ?? []);
  expect(named.toSorted()).toEqual(findingCodes.toSorted());
});
