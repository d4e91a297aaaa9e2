import { isDeepStrictEqual } from 'node:util';
import { getNodeValue, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
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
import { addMember, lastTokenEnd, membersOf, removeMember, valueText } from './json-members.ts';
import { isProxyEntry } from './proxy-command.ts';

/** Which JSON a host reads. */
export interface JsonGrammar {
  readonly comments: boolean;
  readonly trailingCommas: boolean;
}

/**
 * Opens a configuration file in JSON. One that is empty, or has nothing but comments, counts as `{}`.
 *
 * @param file its name, for errors
 * @throws SetupError `configuration-malformed`, `configuration-shape`
 */
export function openJson(text: string, container: string, grammar: JsonGrammar, file: string): HostDocument {
  const root = parse(text, grammar, file);
  const servers = root === undefined ? undefined : memberObject(text, root, container, file);
  return {
    servers: new Map(
      servers === undefined ? [] : membersOf(servers).map(({ key, value }) => [key, getNodeValue(value)]),
    ),
    edit: (edit) =>
      edit.kind === 'set'
        ? set(text, container, grammar, file, edit)
        : remove(text, container, grammar, file, edit),
  };
}

function parse(text: string, grammar: JsonGrammar, file: string): Node | undefined {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, {
    disallowComments: !grammar.comments,
    allowTrailingComma: grammar.trailingCommas,
    allowEmptyContent: true,
  });
  const [first] = errors;
  if (first !== undefined) {
    throw hostErrors.malformed(file, placeOf(text, first.offset), words(printParseErrorCode(first.error)));
  }
  if (root !== undefined && root.type !== 'object') {
    throw hostErrors.shape(file, placeOf(text, root.offset), 'the file is not an object');
  }
  return root;
}

/** `PropertyNameExpected` → `property name expected`. */
function words(code: string): string {
  return code.replaceAll(/(?<=.)[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`).toLowerCase();
}

/** The member of that name, which must be an object and stand there once. */
function memberObject(text: string, parent: Node, name: string, file: string): Node | undefined {
  const value = memberNamed(text, parent, name, file);
  if (value !== undefined && value.type !== 'object') {
    throw hostErrors.shape(file, placeOf(text, value.offset), `"${name}" is not an object`);
  }
  return value;
}

function memberNamed(text: string, parent: Node, name: string, file: string): Node | undefined {
  const [first, second] = membersOf(parent).filter(({ key }) => key === name);
  if (second !== undefined) {
    // Hosts take one of the two, and which is up to them.
    throw hostErrors.shape(file, placeOf(text, second.node.offset), `"${name}" is there twice`);
  }
  return first?.value;
}

function set(
  text: string,
  container: string,
  grammar: JsonGrammar,
  file: string,
  { name, entry, atFirst, replace }: Extract<Edit, { kind: 'set' }>,
): Edited {
  const root = parse(text, grammar, file);
  if (root === undefined)
    return { text: wholeFile(text, { [container]: { [name]: { ...entry, ...atFirst } } }), change: 'added' };
  const servers = memberObject(text, root, container, file);
  if (servers === undefined) {
    return { text: addMember(text, root, container, { [name]: { ...entry, ...atFirst } }), change: 'added' };
  }
  const old = memberNamed(text, servers, name, file);
  if (old === undefined)
    return { text: addMember(text, servers, name, { ...entry, ...atFirst }), change: 'added' };
  const value: unknown = getNodeValue(old);
  if (old.type === 'object' && contains(value, entry)) return { text, change: 'unchanged' };
  if (old.type !== 'object' || !isProxyEntry(value)) {
    if (!replace) throw hostErrors.foreignEntry(file, name, placeOf(text, old.offset));
    const by = valueText(text, old.offset, { ...entry, ...atFirst });
    return { text: splice(text, old.offset, old.offset + old.length, by), change: 'changed' };
  }
  return { text: update(text, [container, name], grammar, file, entry), change: 'changed' };
}

/** Sets the members of an entry one by one; what else the user has put into it stays. */
function update(
  text: string,
  path: readonly string[],
  grammar: JsonGrammar,
  file: string,
  entry: Entry,
): string {
  let current = text;
  for (const [key, value] of Object.entries(entry)) {
    // Positions are of one text: after each change it is read again.
    let node = parse(current, grammar, file);
    for (const name of path) node = node === undefined ? undefined : memberNamed(current, node, name, file);
    if (node === undefined) throw new Error(`the entry ${path.join('.')} is gone`);
    const old = memberNamed(current, node, key, file);
    if (old === undefined) current = addMember(current, node, key, value);
    else if (!isDeepStrictEqual(getNodeValue(old), value)) {
      current = splice(current, old.offset, old.offset + old.length, valueText(current, old.offset, value));
    }
  }
  return current;
}

function remove(
  text: string,
  container: string,
  grammar: JsonGrammar,
  file: string,
  { name }: Extract<Edit, { kind: 'remove' }>,
): Edited {
  const root = parse(text, grammar, file);
  const servers = root === undefined ? undefined : memberObject(text, root, container, file);
  const old = servers === undefined ? undefined : memberNamed(text, servers, name, file);
  if (servers === undefined || old === undefined) return { text, change: 'absent' };
  if (!isProxyEntry(getNodeValue(old))) throw hostErrors.foreignEntry(file, name, placeOf(text, old.offset));
  return { text: removeMember(text, servers, name), change: 'removed' };
}

function contains(value: unknown, entry: Entry): boolean {
  return Object.entries(entry).every(([key, member]) =>
    isDeepStrictEqual((value as Record<string, unknown>)[key], member),
  );
}

/** A file without a value: the new one goes after its comments. */
function wholeFile(text: string, value: object): string {
  const ending = lineEndingOf(text);
  const json = JSON.stringify(value, undefined, 2).replaceAll('\n', ending);
  const kept = text.slice(0, lastTokenEnd(text, 0, text.length));
  return `${kept}${kept === '' ? '' : ending}${json}${ending}`;
}
