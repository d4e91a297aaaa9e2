import type { Application } from '@fusionauth/typescript-client';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { descriptionOf, markerOf } from './application.ts';

/** What `--json` prints of a client; never its secret. */
export interface ClientFacts {
  readonly name: string;
  readonly clientId: string;
  readonly active: boolean;
  readonly confidential: boolean;
  readonly redirectUrls: readonly string[];
  readonly resources: readonly string[];
  readonly scopes: readonly string[] | null;
  /** Whether this tool has made it. */
  readonly own: boolean;
  /** The set of `apply` that it belongs to. */
  readonly set: string | null;
  /** The id of the user whose own it is. */
  readonly owner: string | null;
  /** ISO 8601. */
  readonly createdAt: string | null;
}

/** The facts of an application; its scopes are null when FusionAuth did not tell them. */
export function factsOf(application: Application): ClientFacts {
  const { name, redirectUrls, resources, scopes, confidential } = descriptionOf(application);
  const marker = markerOf(application);
  const { insertInstant } = application;
  return {
    name,
    clientId: application.id ?? '',
    active: application.active !== false,
    confidential,
    redirectUrls,
    resources,
    scopes: application.scopes === undefined ? null : scopes.map((scope) => scope.name),
    own: marker !== undefined,
    set: marker?.set ?? null,
    owner: marker?.owner ?? null,
    createdAt: insertInstant === undefined ? null : new Date(insertInstant).toISOString(),
  };
}

/** Clients as a table of columns. */
export function clientTable(clients: readonly ClientFacts[]): string {
  const rows = [
    ['NAME', 'CLIENT ID', 'KIND', 'RESOURCES', 'FROM'],
    ...clients.map((client) => [
      cleanLine(client.name, 40),
      client.clientId,
      `${client.confidential ? 'confidential' : 'public'}${client.active ? '' : ', inactive'}`,
      cleanLine(client.resources.join(' '), 60),
      originOf(client),
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

/** One client, a line each. */
export function clientInWords(client: ClientFacts): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Client Id', client.clientId],
    ['Kind', client.confidential ? 'confidential, with a secret' : 'public, without a secret'],
    ['Active', client.active ? 'yes' : 'no: nobody can sign in with it'],
    ['From', originOf(client)],
    ['Created', client.createdAt ?? 'unknown'],
    ...client.resources.map((resource) => ['Resource', resource] as const),
    ...client.redirectUrls.map((url) => ['Redirect URL', url] as const),
    ...(client.scopes ?? []).map((scope) => ['Scope', scope] as const),
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)}  ${cleanLine(value)}`);
  return `${cleanLine(client.name)}\n${lines.join('\n')}\n`;
}

function originOf({ own, set, owner }: ClientFacts): string {
  if (owner !== null) return `portal, user ${cleanLine(owner)}`;
  if (set !== null) return `apply, set ${cleanLine(set)}`;
  return own ? 'register' : 'elsewhere';
}
