import {
  Oauth2AuthorizedURLValidationPolicy,
  UnknownScopePolicy,
  type Application,
} from '@fusionauth/typescript-client';
import { cleanLine, isLoopback } from '@mcp-keyhole/cli-kit';
import { applicationScopeOf } from '../../clients/application.ts';
import { scopeNamed } from '../../clients/client.ts';
import type { ApiRequest, Change, Trouble } from '../finding.ts';

export const oauth = (client: Application): NonNullable<Application['oauthConfiguration']> =>
  client.oauthConfiguration ?? {};

export const unknownScopes = (client: Application): UnknownScopePolicy =>
  oauth(client).unknownScopePolicy ?? UnknownScopePolicy.Reject;

export function nameOf(client: Application): string {
  return `client ${cleanLine(client.name ?? '')} (${client.id ?? ''})`;
}

/** Whether a sign-in comes back to the user's machine, where no secret can be kept. */
export function isPublic(client: Application): boolean {
  const urls = oauth(client).authorizedRedirectURLs ?? [];
  const secretIsPossible = urls.length > 0 && !urls.some(isOnLoopback);
  return !secretIsPossible;
}

function isOnLoopback(pattern: string): boolean {
  const url = pattern.replaceAll('*', '0');
  return URL.canParse(url) && isLoopback(new URL(url));
}

export function matches(url: string, pattern: string, client: Application): boolean {
  if (url === pattern) return true;
  const { authorizedURLValidationPolicy: validation } = oauth(client);
  if (validation !== Oauth2AuthorizedURLValidationPolicy.AllowWildcards) return false;
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\/]/gu, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^/]*')}$`, 'u').test(url);
}

/** Trouble that another value of the OAuth settings ends. */
export function setting(
  client: Application,
  { set, ...trouble }: Omit<Trouble, 'about' | 'change'> & { set: Record<string, unknown> },
): Trouble {
  const before = oauth(client) as Readonly<Record<string, unknown>>;
  const change: Change = {
    says: Object.entries(set).flatMap(([name, value]) =>
      JSON.stringify(before[name]) === JSON.stringify(value)
        ? []
        : [`oauthConfiguration.${name}: ${shown(before[name])} → ${shown(value)}`],
    ),
    requests: [patchApplication(client, { oauthConfiguration: set })],
  };
  const remedy = `Applications → ${cleanLine(client.name ?? '')} → ${trouble.remedy}`;
  return { about: nameOf(client), ...trouble, remedy, change };
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ') || 'none';
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : 'not set';
}

export function patchApplication(client: Application, application: object): ApiRequest {
  return { method: 'PATCH', path: `/api/application/${client.id ?? ''}`, body: { application } };
}

/** The request that creates a scope, with the guide's texts for the guide's scope. */
export function scopeOf(client: Application, name: string): ApiRequest {
  const body = { scope: applicationScopeOf(scopeNamed(name)) };
  return { method: 'POST', path: `/api/application/${client.id ?? ''}/scope`, body };
}
