import { isDeepStrictEqual } from 'node:util';
import { getStaticTOMLValue, ParseError, parseTOML, type AST } from 'toml-eslint-parser';
import {
  lineEndingOf,
  placeOf,
  splice,
  type Edit,
  type Edited,
  type Entry,
  type HostDocument,
} from './document.ts';
import { hostErrors } from './errors.ts';
import { isProxyEntry } from './proxy-command.ts';

type Pairs = readonly AST.TOMLKeyValue[];

/** Where one entry stands: its pairs and what can be cut out. */
interface Place {
  readonly pairs: Pairs;
  /** Where a pair that is missing goes, and what stands between it and its neighbours. */
  readonly insertAt: number;
  readonly inline: boolean;
  /** The parts that make the entry, each from its first character to its last. */
  readonly ranges: readonly AST.Range[];
}

/**
 * Opens a configuration file in TOML, in which each server is a table `[<container>.<name>]`.
 *
 * @throws SetupError `configuration-malformed`, `configuration-shape`
 */
export function openToml(text: string, container: string, file: string): HostDocument {
  const program = parse(text, file);
  const value = getStaticTOMLValue(program)[container];
  if (value !== undefined && !isTable(value)) {
    throw hostErrors.shape(file, { line: 1, column: 1 }, `${container} is not a table`);
  }
  const servers = new Map(Object.entries(value ?? {}));
  return {
    servers,
    edit: (edit) => {
      const place = findEntry(text, program, container, edit.name);
      const old = servers.get(edit.name);
      if (edit.kind === 'remove') return remove(text, file, edit.name, old, place);
      return checked(set(text, container, file, edit, old, place), file);
    },
  };
}

function parse(text: string, file: string): AST.TOMLProgram {
  try {
    return parseTOML(text);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const place = { line: error.lineNumber, column: error.column + 1 };
    throw hostErrors.malformed(file, place, error.message.toLowerCase());
  }
}

/** A table cannot be added in every file, such as beside `mcp_servers = { … }`, which is complete: then nothing is written. */
function checked(edited: Edited, file: string): Edited {
  try {
    parseTOML(edited.text);
    return edited;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw hostErrors.shape(
      file,
      { line: error.lineNumber, column: error.column + 1 },
      'its servers are written in one line, to which no table can be added',
    );
  }
}

function set(
  text: string,
  container: string,
  file: string,
  edit: Extract<Edit, { kind: 'set' }>,
  old: unknown,
  place: Place | undefined,
): Edited {
  const { name, entry, atFirst, replace } = edit;
  if (old === undefined)
    return { text: append(text, container, name, { ...entry, ...atFirst }), change: 'added' };
  if (isTable(old) && Object.entries(entry).every(([key, value]) => isDeepStrictEqual(old[key], value))) {
    return { text, change: 'unchanged' };
  }
  const where = placeOf(text, place?.ranges[0]?.[0] ?? 0);
  if (!isProxyEntry(old)) {
    if (!replace) throw hostErrors.foreignEntry(file, name, where);
    if (place === undefined)
      throw hostErrors.shape(file, where, `${container}.${name} is not a table of its own`);
    return {
      text: append(cut(text, place.ranges), container, name, { ...entry, ...atFirst }),
      change: 'changed',
    };
  }
  if (place === undefined)
    throw hostErrors.shape(file, where, `${container}.${name} is not a table of its own`);
  return { text: update(text, place, entry), change: 'changed' };
}

function remove(text: string, file: string, name: string, old: unknown, place: Place | undefined): Edited {
  if (old === undefined) return { text, change: 'absent' };
  const where = placeOf(text, place?.ranges[0]?.[0] ?? 0);
  if (!isProxyEntry(old)) throw hostErrors.foreignEntry(file, name, where);
  if (place === undefined || place.inline)
    throw hostErrors.shape(file, where, `${name} is not a table of its own`);
  return { text: cut(text, place.ranges), change: 'removed' };
}

/** The entry as `[container.name]` with the tables below it, or as an inline table in `[container]`. */
function findEntry(
  text: string,
  program: AST.TOMLProgram,
  container: string,
  name: string,
): Place | undefined {
  const tables = program.body[0].body.filter((node): node is AST.TOMLTable => node.type === 'TOMLTable');
  const within = (table: AST.TOMLTable): boolean =>
    table.resolvedKey[0] === container && table.resolvedKey[1] === name;
  const own = tables.find((table) => within(table) && table.resolvedKey.length === 2);
  if (own !== undefined) {
    const ranges = tables.filter(within).map(({ range }) => range);
    return { pairs: own.body, insertAt: lineEndAfter(text, own.key.range[1]), inline: false, ranges };
  }
  const parent = tables.find(({ resolvedKey }) => resolvedKey.length === 1 && resolvedKey[0] === container);
  const pair = parent?.body.find(({ key }) => key.keys.length === 1 && nameOf(key.keys[0]) === name);
  if (pair?.value.type !== 'TOMLInlineTable') return undefined;
  return { pairs: pair.value.body, insertAt: pair.value.range[0] + 1, inline: true, ranges: [pair.range] };
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted | undefined): string | undefined {
  return key?.type === 'TOMLBare' ? key.name : key?.value;
}

/** A table at the end of the file: legal wherever it can be, and no comment changes its neighbour. */
function append(text: string, container: string, name: string, entry: Entry): string {
  const ending = lineEndingOf(text);
  const body = Object.entries(entry).map(([key, value]) => `${key} = ${toml(value)}${ending}`);
  const gap = text === '' ? '' : /[\r\n]$/u.test(text) ? ending : ending + ending;
  return `${text}${gap}[${container}.${name}]${ending}${body.join('')}`;
}

/** Sets the pairs of an entry one by one, from the last, so that the places before stay right. */
function update(text: string, place: Place, entry: Entry): string {
  const ending = lineEndingOf(text);
  const missing = Object.entries(entry).filter(([key]) => pairNamed(place.pairs, key) === undefined);
  const present = Object.entries(entry)
    .flatMap(([key, value]) => {
      const pair = pairNamed(place.pairs, key);
      return pair === undefined ? [] : [{ range: pair.value.range, value }];
    })
    .sort((one, other) => other.range[0] - one.range[0]);
  let edited = text;
  for (const { range, value } of present) {
    if (isDeepStrictEqual(parsedValue(text.slice(range[0], range[1])), value)) continue;
    edited = splice(edited, range[0], range[1], toml(value));
  }
  const added = missing.map(([key, value]) =>
    place.inline ? ` ${key} = ${toml(value)},` : `${ending}${key} = ${toml(value)}`,
  );
  return splice(edited, place.insertAt, place.insertAt, added.join(''));
}

function pairNamed(pairs: Pairs, name: string): AST.TOMLKeyValue | undefined {
  return pairs.find(({ key }) => key.keys.length === 1 && nameOf(key.keys[0]) === name);
}

function parsedValue(text: string): unknown {
  return getStaticTOMLValue(parseTOML(`value = ${text}`))['value'];
}

/** Removes whole lines, from the last, each with one empty line before it. */
function cut(text: string, ranges: readonly AST.Range[]): string {
  let edited = text;
  for (const [from, to] of [...ranges].sort((one, other) => other[0] - one[0])) {
    const after = edited.slice(lineEndAfter(edited, to)).replace(/^(?:\r\n|\n|\r)/u, '');
    edited = edited.slice(0, from).replace(/(?<=^|\n)\r?\n$/u, '') + after;
  }
  return edited;
}

function lineEndAfter(text: string, offset: number): number {
  const found = text.slice(offset).search(/[\r\n]/u);
  return found < 0 ? text.length : offset + found;
}

/** JSON's strings, numbers and lists of strings are TOML's too. */
function toml(value: Entry[string]): string {
  return typeof value === 'object'
    ? `[${value.map((one) => JSON.stringify(one)).join(', ')}]`
    : JSON.stringify(value);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
