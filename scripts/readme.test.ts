import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

/** The codes of a package: the members of the union in its errors.ts. */
function codesOf(packageName: string): string[] {
  const source = readFileSync(path.join(root, 'packages', packageName, 'src', 'errors.ts'), 'utf8');
  const union = /export type \w+ErrorCode =(?<members>[^;]+);/u.exec(source)?.groups?.['members'] ?? '';
  return [...union.matchAll(/'([a-z-]+)'/gu)].map(([, code]) => code ?? '');
}

const packages = readdirSync(path.join(root, 'packages')).filter((name) => name !== 'cli-kit');

describe.each(packages)('the README on %s', (name) => {
  it('finds error codes to look for', () => {
    expect(codesOf(name).length).toBeGreaterThan(2);
  });

  it.each(codesOf(name))('explains %s in its table', (code) => {
    expect(readme).toContain(`| \`${code}\``);
  });
});
