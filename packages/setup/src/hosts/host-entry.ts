import type { Command, Host } from './host.ts';
import { openJson } from './json-document.ts';
import type { Entry, HostDocument } from './document.ts';
import { openToml } from './toml-document.ts';

/** The entry of a host for a command: what it always has, and what only a new one gets. */
export function entryOf(host: Host, { command, args }: Command): { entry: Entry; atFirst: Entry } {
  return { entry: { ...host.always, command, args }, atFirst: host.atFirst ?? {} };
}

/** Opens the text of a host's file in its language. @throws SetupError `configuration-malformed`, `configuration-shape` */
export function openDocument(host: Host, text: string, file: string): HostDocument {
  return host.language === 'toml'
    ? openToml(text, host.container, file)
    : openJson(text, host.container, host.language, file);
}

/** A file with nothing but one entry, to be pasted. */
export function snippet(host: Host, name: string, command: Command): string {
  const { entry, atFirst } = entryOf(host, command);
  return openDocument(host, '', '').edit({ kind: 'set', name, entry, atFirst, replace: false }).text;
}

/** A host that is not in the list, in the words that most have taken over from Claude Desktop. */
export function otherHost(id: string): Host {
  return {
    id,
    title: id,
    sources: [],
    language: { comments: false, trailingCommas: false },
    container: 'mcpServers',
    userFile: () => '',
    projectFile: undefined,
    traces: () => [],
    reload: `See the documentation of ${id} for where this belongs.`,
  };
}

/** What a server is called in a host unless somebody says otherwise: its own host, such as `mcp-example-com`. */
export function entryNameOf(url: string): string {
  return new URL(url).host
    .replaceAll(/[^A-Za-z0-9]+/gu, '-')
    .replaceAll(/^-|-$/gu, '')
    .slice(0, 64);
}
