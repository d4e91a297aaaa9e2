import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { optionTable } from '../../src/config.ts';
import { errors } from '../../src/errors.ts';

const folder = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${folder}README.md`, 'utf8');

/** What the compiler says about a module of this package's users. */
function diagnose(source: string): string[] {
  const name = `${folder}test/example.ts`;
  const { config } = ts.readConfigFile(`${folder}../../tsconfig.base.json`, (path) =>
    readFileSync(path, 'utf8'),
  ) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, `${folder}../..`);
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    path === name ? ts.createSourceFile(path, source, ts.ScriptTarget.ES2023) : read(path, ...rest);
  const exists = host.fileExists.bind(host);
  host.fileExists = (path) => path === name || exists(path);
  const program = ts.createProgram([name], options, host);
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(name))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe("the package's README", () => {
  const blocks = [...readme.matchAll(/```ts\n(.*?)```/gsu)].map(([, code = '']) => code);
  const sources = readdirSync(`${folder}examples`).map((name) =>
    readFileSync(`${folder}examples/${name}`, 'utf8'),
  );

  it('shows the tested examples as they are', () => {
    expect(sources).toHaveLength(5);
    for (const source of sources) expect(blocks).toContain(source);
  });

  it('shows a further library use that compiles', () => {
    const [example = '', ...others] = blocks.filter((block) => !sources.includes(block));
    expect(others).toEqual([]);
    expect(diagnose(example)).toEqual([]);
    expect(diagnose(example.replace('tools_list_changed', 'tools_changed'))).toHaveLength(1);
  }, 60_000);

  it.each(Object.values(optionTable).map(({ flag, env }) => [flag, env]))(
    'lists --%s and %s',
    (flag, env) => {
      expect(readme).toContain(`\`--${flag}\``);
      if (env !== undefined) expect(readme).toContain(`| \`${env}\``);
    },
  );

  it('lists no variable that is not read', () => {
    const read = Object.values(optionTable).map(({ env }) => env);
    const [, table = ''] = readme.split('\n| Variable ');
    const listed = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `(\w+)`/gmu)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual(read.filter((name) => name !== undefined).toSorted());
  });

  it('names tests that there are for every attack', () => {
    const [, table = ''] = readme.split('\n## Attacks\n');
    const rows = table
      .split('\n## ')[0]
      ?.split('\n')
      .filter((line) => line.startsWith('| '))
      .slice(2);
    expect(rows?.length).toBeGreaterThan(15);
    for (const row of rows ?? []) {
      const name = /`([\w/-]+\.test\.ts)` +\|$/u.exec(row)?.[1] ?? row;
      const path = name.startsWith('e2e/') ? `${folder}../../${name}` : `${folder}test/integration/${name}`;
      expect(existsSync(path), path).toBe(true);
    }
  });

  it('lists every error code', () => {
    const codes = [
      errors.portInUse(1, undefined),
      errors.portNotPermitted(1, undefined),
      errors.hostNotAvailable('', undefined),
      errors.issuerNotUrl(''),
      errors.serverUrlWithPath('', ''),
      errors.unprotectedOnNetwork(''),
      errors.secretWithoutPath(),
      errors.webhooksWithoutTokens(),
      errors.unexpectedArgument(''),
      errors.unusableOption('', '', ''),
      errors.bodyUnread(),
    ].map(({ code, exitCode }) => ({ code, exitCode }));
    expect(codes).toHaveLength(Object.keys(errors).length);
    for (const { code, exitCode } of codes) {
      expect(readme).toMatch(new RegExp(`\\| \`${code}\` +\\| ${exitCode} `, 'u'));
    }
  });
});
