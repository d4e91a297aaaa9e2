import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { examineAll } from '../src/doctor/check.ts';
import { checks } from '../src/doctor/checks.ts';
import { findingCodes } from '../src/doctor/doctor.ts';

it('every finding of the doctor stands in the table of the README, and no other', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, section = ''] = /^## Doctor$(.*?)^## /msu.exec(readme) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => (row.split('|')[1] ?? '').match(/[\w-]+/gu) ?? []);
  expect(named.toSorted()).toEqual(findingCodes.toSorted());
});

it.each([
  ['http://auth.example.com', undefined, 'http://auth.example.com'],
  ['https://auth.example.com', 'http://mcp.example.com', 'http://mcp.example.com'],
  ['http://localhost:9011', 'http://127.0.0.1:8000', undefined],
])(
  'http beyond this machine is wrong: FusionAuth at %s, the server at %s',
  (publicUrl, mcpServerUrl, about) => {
    const question = {
      fusionAuthUrl: 'http://localhost:9011',
      publicUrl,
      tenantId: undefined,
      mcpServerUrl,
      clientIds: [],
      callbackPort: 3334,
      browserOrigins: [],
    };
    const { findings } = examineAll(checks, { facts: {}, unseen: {} }, question);
    const expected = about === undefined ? [] : [{ code: 'plain-http', about }];
    expect(findings.map((finding) => ({ code: finding.code, about: finding.about }))).toEqual(expected);
  },
);

it('every finding stands in a test', () => {
  const folder = new URL('.', import.meta.url);
  const tests = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(new URL(name.replaceAll('\\', '/'), folder), 'utf8'))
    .join('\n');
  expect(findingCodes.filter((code) => !tests.includes(`'${code}'`))).toEqual([]);
});
