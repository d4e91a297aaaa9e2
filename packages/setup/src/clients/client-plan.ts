import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Application, ApplicationOAuthScope } from '@fusionauth/typescript-client';
import { applicationOf, applicationScopeOf, descriptionOf, markerOf } from './application.ts';
import type { ClientDescription, Marker } from './client.ts';

/** What has to be done so that FusionAuth has a client as it is described: what is shown is what is sent. */
export interface ClientPlan {
  readonly action: 'create' | 'change' | 'leave';
  readonly clientId: string;
  readonly name: string;
  /** What becomes different, a line each; empty unless something is changed. */
  readonly says: readonly string[];
  /** The application to create, or the JSON merge patch (RFC 7396) for the one that is there; undefined when that stays. */
  readonly application: Application | undefined;
  /** Whether it is inactive and has to be active again first. */
  readonly reactivate: boolean;
  /** Whether it gets a secret that its host has to be told. */
  readonly newSecret: boolean;
  readonly scopes: {
    readonly create: readonly ApplicationOAuthScope[];
    /** With their ids. */
    readonly change: readonly ApplicationOAuthScope[];
    readonly remove: readonly ApplicationOAuthScope[];
  };
}

/**
 * Compares a description with the application that is there, and says what to do. What the description does not mention (roles,
 * token settings, further grants) stays as it is.
 *
 * @param existing the application with its scopes; undefined when there is none
 */
export function planClient(
  client: ClientDescription,
  marker: Marker,
  existing: Application | undefined,
): ClientPlan {
  const wanted = applicationOf(client, marker);
  const scopes = client.scopes.map(applicationScopeOf);
  if (existing === undefined) {
    return {
      action: 'create',
      clientId: randomUUID(),
      name: client.name,
      says: [],
      application: wanted,
      reactivate: false,
      newSecret: client.confidential,
      scopes: { create: scopes, change: [], remove: [] },
    };
  }
  const settings = settingChanges(wanted, existing);
  const marking = markerChanges(marker, existing);
  const scopeChanges = compareScopes(scopes, existing.scopes ?? []);
  const rename = wanted.name === existing.name ? [] : [`name: ${existing.name ?? ''} → ${client.name}`];
  const reactivate = existing.active === false;
  const says = [
    ...rename,
    ...(reactivate ? ['active: no → yes'] : []),
    ...marking,
    ...settings.map(({ says: line }) => line),
    ...scopeChanges.says,
  ];
  const patch: Application = {
    ...(rename.length === 0 ? {} : { name: client.name }),
    ...(marking.length === 0 ? {} : { data: { mcpKeyhole: { ...markerOf(existing), ...marker } } }),
    ...(settings.length === 0
      ? {}
      : { oauthConfiguration: Object.fromEntries(settings.map(({ name, value }) => [name, value])) }),
  };
  return {
    action: says.length === 0 ? 'leave' : 'change',
    clientId: existing.id ?? '',
    name: client.name,
    says,
    application: Object.keys(patch).length === 0 ? undefined : patch,
    reactivate,
    newSecret: client.confidential && !descriptionOf(existing).confidential,
    scopes: scopeChanges,
  };
}

interface SettingChange {
  readonly name: string;
  readonly value: unknown;
  readonly says: string;
}

/** Those of the wanted OAuth settings that the application does not have. */
function settingChanges(wanted: Application, existing: Application): SettingChange[] {
  const before = (existing.oauthConfiguration ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(wanted.oauthConfiguration ?? {}).flatMap(([name, value]): SettingChange[] => {
    const old = before[name];
    if (!Array.isArray(value)) {
      return old === value ? [] : [{ name, value, says: `${name}: ${shown(old)} → ${shown(value)}` }];
    }
    const olds = Array.isArray(old) ? (old as unknown[]) : [];
    // A grant that somebody has enabled beside ours, such as that of devices, takes nothing away from the client.
    const target = name === 'enabledGrants' ? [...new Set([...olds, ...(value as unknown[])])] : value;
    const added = target.filter((item) => !olds.includes(item));
    const removed = olds.filter((item) => !target.includes(item));
    if (added.length + removed.length === 0) return [];
    const parts = [
      ...added.map((item) => `+ ${String(item)}`),
      ...removed.map((item) => `− ${String(item)}`),
    ];
    return [{ name, value: target, says: `${name}: ${parts.join(', ')}` }];
  });
}

function markerChanges(marker: Marker, existing: Application): string[] {
  const before = markerOf(existing);
  if (before === undefined) return ['marked as made by this tool'];
  return (['set', 'owner'] as const).flatMap((name) =>
    marker[name] === undefined || marker[name] === before[name]
      ? []
      : [`${name}: ${shown(before[name])} → ${marker[name]}`],
  );
}

function compareScopes(
  wanted: readonly ApplicationOAuthScope[],
  existing: readonly ApplicationOAuthScope[],
): ClientPlan['scopes'] & { says: string[] } {
  const byName = new Map(existing.map((scope) => [scope.name, scope]));
  const create = wanted.filter(({ name }) => !byName.has(name));
  const change = wanted.flatMap((scope) => {
    const before = byName.get(scope.name);
    // Only what is wanted is compared: a text that nobody names stays.
    if (before === undefined || isDeepStrictEqual({ ...before, ...scope }, before)) return [];
    return [{ ...scope, id: before.id ?? '' }];
  });
  const names = new Set(wanted.map(({ name }) => name));
  const remove = existing.filter(({ name }) => !names.has(name));
  const parts = [
    ...create.map(({ name }) => `+ ${shown(name)}`),
    ...change.map(({ name }) => `texts of ${shown(name)}`),
    ...remove.map(({ name }) => `− ${shown(name)}`),
  ];
  return { create, change, remove, says: parts.length === 0 ? [] : [`scopes: ${parts.join(', ')}`] };
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : 'none';
}
