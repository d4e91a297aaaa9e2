import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const index = fileURLToPath(new URL('../src/index.ts', import.meta.url));

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023, true);
}

/** What a module declares by this name. */
function declarationOf(file: string, name: string): ts.Statement | undefined {
  return parse(file).statements.find((statement) => {
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.some((one) => one.name.getText() === name);
    return 'name' in statement && (statement.name as ts.Identifier).text === name;
  });
}

/** The sentences of a declaration's docstring, tags apart. */
function wordsOf(statement: ts.Statement | undefined): string {
  const comments = statement === undefined ? [] : ts.getJSDocCommentsAndTags(statement);
  return comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join('');
}

it('each name that the library offers has a docstring where it is made', () => {
  const exported = parse(index).statements.filter(ts.isExportDeclaration);
  const own = exported.flatMap(({ exportClause, moduleSpecifier }) => {
    const from = (moduleSpecifier as ts.StringLiteral).text;
    if (!from.startsWith('.') || exportClause === undefined || !ts.isNamedExports(exportClause)) return [];
    return exportClause.elements.map(({ name }) => ({ name: name.text, file: join(dirname(index), from) }));
  });
  expect(own.length).toBeGreaterThan(40);
  const bare = own.filter(({ name, file }) => wordsOf(declarationOf(file, name)) === '');
  expect(bare).toEqual([]);
});
