import { createScanner, type Node } from 'jsonc-parser';
import { lineEndingOf, splice } from './document.ts';

/** One member of an object, with the places of the whole and of its value. */
export interface Member {
  readonly key: string;
  readonly node: Node;
  readonly value: Node;
}

/** The members of an object, in order. */
export function membersOf(object: Node): readonly Member[] {
  return (object.children ?? []).flatMap((node) => {
    const [key, value] = node.children ?? [];
    return key === undefined || value === undefined ? [] : [{ key: String(key.value), node, value }];
  });
}

/**
 * Adds a member at the end of an object: after its last comment, so that no comment changes its neighbour, and with a comma
 * at its end where the members before have one.
 */
export function addMember(text: string, object: Node, key: string, value: unknown): string {
  const ending = lineEndingOf(text);
  const last = membersOf(object).at(-1)?.node;
  const closing = object.offset + object.length - 1;
  const outer = indentationAt(text, object.offset);
  const inner =
    last !== undefined && startsLine(text, last.offset)
      ? indentationAt(text, last.offset)
      : outer + unitOf(text);
  const from = lastTokenEnd(text, object.offset + 1, closing);
  const lastEnd = last === undefined ? undefined : last.offset + last.length;
  const trailing = lastEnd !== undefined && commaAfter(text, lastEnd) !== undefined;
  const member = `${ending}${inner}${JSON.stringify(key)}: ${lines(text, inner, value)}${trailing ? ',' : ''}`;
  // An object in one line is closed in a line of its own.
  const rest = /[\r\n]/u.test(text.slice(from, closing)) ? text.slice(from, closing) : `${ending}${outer}`;
  const added = splice(text, from, closing, member + rest);
  return lastEnd === undefined || trailing ? added : splice(added, lastEnd, lastEnd, ',');
}

/** Removes a member with the space before it and its comma; comments around it stay. */
export function removeMember(text: string, object: Node, key: string): string {
  const members = membersOf(object);
  const index = members.findIndex((member) => member.key === key);
  const node = members[index]?.node;
  if (node === undefined) return text;
  const end = node.offset + node.length;
  const comma = commaAfter(text, end);
  const before = text.slice(0, node.offset).trimEnd().length;
  const after = text.slice(comma ?? end);
  // What follows in the same line must not move up behind a line comment.
  const alone = /^[ \t]*(?:[\r\n]|$)/u.test(after) || !/[\r\n]/u.test(text.slice(before, node.offset));
  const from = alone ? before : node.offset;
  let edited =
    comma === undefined
      ? splice(text, from, end, '')
      : splice(splice(text, comma - 1, comma, ''), from, end, '');
  const previous = members[index - 1]?.node;
  if (comma === undefined && previous !== undefined) {
    const previousComma = commaAfter(edited, previous.offset + previous.length);
    if (previousComma !== undefined) edited = splice(edited, previousComma - 1, previousComma, '');
  }
  return edited;
}

/** A value as it is written in the place of another one. */
export function valueText(text: string, offset: number, value: unknown): string {
  return lines(text, indentationAt(text, offset), value);
}

/** The end of the last token or comment in a part of a text; its beginning where there is neither. */
export function lastTokenEnd(text: string, from: number, to: number): number {
  return from + text.slice(from, to).trimEnd().length;
}

/** The end of the comma that follows a place, comments apart. */
function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  const found = scanner.getTokenOffset();
  return text[found] === ',' ? found + 1 : undefined;
}

function lines(text: string, indentation: string, value: unknown): string {
  return JSON.stringify(value, undefined, unitOf(text)).replaceAll('\n', lineEndingOf(text) + indentation);
}

/** The white space at the beginning of the line of a place. */
function indentationAt(text: string, offset: number): string {
  const line =
    text
      .slice(0, offset)
      .split(/[\r\n]/u)
      .at(-1) ?? '';
  return /^[ \t]*/u.exec(line)?.[0] ?? '';
}

function startsLine(text: string, offset: number): boolean {
  return /(?:^|[\r\n])[ \t]*$/u.test(text.slice(0, offset));
}

/** One step of indentation: that of the first indented line, and two spaces where there is none. */
function unitOf(text: string): string {
  return /[\r\n](?<unit>[ \t]+)"/u.exec(text)?.groups?.['unit'] ?? '  ';
}
