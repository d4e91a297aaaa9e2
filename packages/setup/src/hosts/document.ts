/** The entry of one MCP server, as data. */
export type Entry = Readonly<Record<string, string | number | readonly string[]>>;

/** What is to be done with a host's file. */
export type Edit =
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly entry: Entry;
      /** Members that only a new entry gets. */
      readonly atFirst: Entry;
      /** Take the place of an entry that is not ours, whole. */
      readonly replace: boolean;
    }
  | { readonly kind: 'remove'; readonly name: string };

/** What came of it. */
export interface Edited {
  readonly text: string;
  readonly change: 'added' | 'changed' | 'unchanged' | 'removed' | 'absent';
}

/** A configuration file in one language: what is not edited stays as it is, character for character. */
export interface HostDocument {
  /** The servers in it, by name. */
  readonly servers: ReadonlyMap<string, unknown>;
  /** @throws SetupError `configuration-shape`, `entry-foreign` */
  edit(edit: Edit): Edited;
}

/** A place in a text, counted from 1. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r\n|\n|\r/u);
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

/** The line ending of a text: its first one, and LF where it has none. */
export function lineEndingOf(text: string): string {
  return /\r\n|\n|\r/u.exec(text)?.[0] ?? '\n';
}

/** The text with `[from, to)` replaced. */
export function splice(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by + text.slice(to);
}
