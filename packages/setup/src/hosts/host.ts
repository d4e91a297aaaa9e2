import type { JsonGrammar } from './json-document.ts';
import type { Machine } from './machine.ts';

/** Whose configuration it is: the user's own, or a project's, which may be shared by its developers. */
export type Scope = 'user' | 'project';

/** What starts one MCP server over stdio, in the words that all hosts share. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** One MCP host: where it keeps its MCP servers, and how an entry is written. */
export interface Host {
  /** What it is called on the command line. */
  readonly id: string;
  /** What it is called by people. */
  readonly title: string;
  /** The host's documentation, or where else each fact here is from. */
  readonly sources: readonly string[];
  readonly language: JsonGrammar | 'toml';
  /** The key whose members are the servers. */
  readonly container: string;
  /** The file of the user. */
  readonly userFile: (machine: Machine) => string;
  /** The file in a project's folder; undefined for hosts without such files. */
  readonly projectFile: string | undefined;
  /** A file or folder that is there when the host is installed. */
  readonly traces: (machine: Machine) => readonly string[];
  /** Members of an entry beside `command` and `args` which every entry has. */
  readonly always?: Readonly<Record<string, string>>;
  /** Members that a new entry gets, and that are the user's afterwards. */
  readonly atFirst?: Readonly<Record<string, number>>;
  /** What makes the host read its file again: a sentence. */
  readonly reload: string;
}
