import { messageOf, nearest } from '@mcp-keyhole/cli-kit';
import {
  redirectUrls,
  scopeNamed,
  type ClientDescription,
  type ScopeDescription,
} from '../clients/client.ts';
import { connectorNamed } from '../clients/connectors.ts';
import { parseResource } from '../option-values.ts';
import type { ClientsFile, Mistake, Path, ReadClientsFile, ScopeSettings } from './clients-file.ts';
import { words } from './mistakes.ts';

/** The clients that a file declares, complete. */
export interface DeclaredClients {
  readonly set: string;
  readonly clients: readonly ClientDescription[];
}

/**
 * Puts together what a file says of each client: its own settings, the defaults, the host's.
 *
 * @throws SetupError `clients-file-invalid` for names that stand twice or nowhere, with line and column
 */
export function declaredClients({ content, refuse }: ReadClientsFile): DeclaredClients {
  const mistakes: Mistake[] = [];
  const names = new Map<string, number>();
  const clients = content.clients.map((settings, index): ClientDescription => {
    const { defaults = {} } = content;
    const merged = { ...defaults, ...settings };
    const before = names.get(settings.name.toLowerCase());
    if (before !== undefined) {
      const message = `${words(['clients', index])} has the name of ${words(['clients', before])}`;
      const remedy = 'Give it another name; upper and lower case do not count.';
      mistakes.push({ path: ['clients', index, 'name'], message, remedy });
    }
    names.set(settings.name.toLowerCase(), index);
    const pathOf = (member: 'scopes' | 'resources'): Path =>
      settings[member] === undefined ? ['defaults', member] : ['clients', index, member];
    const connector = connectorNamed(merged.for);
    const urls = [...(connector?.redirectUrls ?? []), ...(merged.redirectUrls ?? [])];
    if (merged.resources === undefined) {
      const path: Path = ['clients', index];
      const remedy = 'Add resources to it or to the defaults: the MCP endpoints that its tokens are for.';
      mistakes.push({ path, message: `${words(path)} has no resources`, remedy });
    }
    return {
      name: settings.name,
      redirectUrls: urls.length === 0 ? redirectUrls(merged.port ?? 3334) : [...new Set(urls)],
      resources: resolved(
        merged.resources ?? [],
        pathOf('resources'),
        (name) => resourceOf(content, name),
        mistakes,
      ),
      scopes: resolved(merged.scopes ?? [], pathOf('scopes'), (name) => scopeOf(content, name), mistakes),
      confidential: merged.confidential ?? connector?.confidential ?? false,
    };
  });
  refuse(distinct(mistakes));
  return { set: content.set ?? 'default', clients };
}

type Resolution<Value> = { readonly value: Value } | { readonly message: string; readonly remedy: string };

function resolved<Value>(
  names: readonly string[],
  path: Path,
  resolve: (name: string) => Resolution<Value>,
  mistakes: Mistake[],
): Value[] {
  return names.flatMap((name, index) => {
    const resolution = resolve(name);
    if ('value' in resolution) return [resolution.value];
    mistakes.push({ path: [...path, index], ...resolution });
    return [];
  });
}

function resourceOf({ resources = {} }: ClientsFile, name: string): Resolution<string> {
  const url = Object.hasOwn(resources, name) ? resources[name] : undefined;
  if (url !== undefined) return { value: url };
  const known = Object.keys(resources);
  if (!name.includes(':')) return unknown('resource', name, known);
  try {
    return { value: parseResource(name) };
  } catch (error) {
    return {
      message: `the resource ${JSON.stringify(name)} cannot be used`,
      remedy: `Correct it: ${messageOf(error)}.`,
    };
  }
}

function scopeOf({ scopes = {} }: ClientsFile, name: string): Resolution<ScopeDescription> {
  if (!Object.hasOwn(scopes, name)) return unknown('scope', name, Object.keys(scopes));
  const { description, message, detail, required }: ScopeSettings = scopes[name] ?? {};
  const usual = scopeNamed(name);
  return {
    value: {
      name,
      description: description ?? usual.description,
      consentMessage: message ?? usual.consentMessage,
      consentDetail: detail ?? usual.consentDetail,
      required: required ?? true,
    },
  };
}

function unknown(what: string, name: string, known: readonly string[]): { message: string; remedy: string } {
  const meant = nearest(name, known);
  return {
    message: `there is no ${what} ${JSON.stringify(name)}`,
    remedy: `${meant === undefined ? '' : `Did you mean ${meant}? `}Declare it under ${what}s at the top.`,
  };
}

/** One mistake in the defaults is found with every client. */
function distinct(mistakes: readonly Mistake[]): readonly Mistake[] {
  return [
    ...new Map(mistakes.map((mistake) => [`${words(mistake.path)} ${mistake.message}`, mistake])).values(),
  ];
}
