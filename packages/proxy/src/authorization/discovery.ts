import { messageOf } from '@mcp-keyhole/cli-kit';
import type { ServerMetadata } from 'openid-client';
import { errors, ProxyError } from '../errors.ts';
import type { EndpointPolicy } from './endpoint-policy.ts';
import type { BoundedFetch, Challenge, Discovery } from './types.ts';

interface DiscoveryTools {
  readonly fetch: BoundedFetch;
  readonly policy: EndpointPolicy;
}

/**
 * Finds the protected resource's metadata (RFC 9728) and that of its authorization server (RFC 8414, OpenID Connect
 * Discovery), and checks what an attacker could bend: the resource must be the server asked for, the issuer the one
 * that was named, PKCE with S256 announced.
 *
 * @throws ProxyError with the codes of discovery
 */
export async function discover(server: URL, challenge: Challenge, tools: DiscoveryTools): Promise<Discovery> {
  const metadata = await fetchResourceMetadata(server, challenge, tools);
  const resource = metadata['resource'];
  if (typeof resource !== 'string' || !resourceFits(resource, server)) {
    throw errors.resourceMismatch(server, typeof resource === 'string' ? resource : 'nobody');
  }
  const issuer = stringsOf(metadata['authorization_servers'])[0];
  if (issuer === undefined) throw errors.resourceMetadataMissing(server);
  return {
    resource,
    scopesSupported:
      metadata['scopes_supported'] === undefined ? undefined : stringsOf(metadata['scopes_supported']),
    authorizationServer: await discoverAuthorizationServer(issuer, tools),
  };
}

/** Fetches an authorization server's metadata by its issuer, in the order that MCP prescribes. */
export async function discoverAuthorizationServer(
  issuer: string,
  tools: DiscoveryTools,
): Promise<ServerMetadata> {
  if (!URL.canParse(issuer)) throw errors.issuerNotUrl(issuer);
  const url = tools.policy('authorization server', issuer);
  let mismatch: ProxyError | undefined;
  for (const address of authorizationServerMetadataUrls(url)) {
    const metadata = await fetchDocument(address, tools.fetch);
    if (metadata === undefined) continue;
    if (metadata['issuer'] === issuer) return checkEndpoints(metadata, issuer, tools.policy);
    mismatch ??= errors.issuerMismatch(issuer, String(metadata['issuer']));
  }
  throw (
    mismatch ?? errors.authorizationServerMetadata(issuer, 'none of the well-known addresses has a document')
  );
}

async function fetchResourceMetadata(
  server: URL,
  challenge: Challenge,
  { fetch, policy }: DiscoveryTools,
): Promise<Record<string, unknown>> {
  const path = server.pathname === '/' ? '' : server.pathname;
  const wellKnown = '/.well-known/oauth-protected-resource';
  const addresses = [
    challenge.resourceMetadataUrl?.href,
    new URL(`${wellKnown}${path}${server.search}`, server).href,
    new URL(wellKnown, server).href,
  ];
  for (const address of new Set(addresses.filter((candidate) => candidate !== undefined))) {
    const metadata = await fetchDocument(policy('resource metadata', address), fetch);
    if (metadata !== undefined) return metadata;
  }
  throw errors.resourceMetadataMissing(server);
}

/** RFC 8414, section 3.1 (inserted into the path) and OpenID Connect Discovery (inserted, then appended). */
function authorizationServerMetadataUrls(issuer: URL): URL[] {
  const path = issuer.pathname.replace(/\/$/u, '');
  const oauth = '/.well-known/oauth-authorization-server';
  const openid = '/.well-known/openid-configuration';
  const paths = path === '' ? [oauth, openid] : [`${oauth}${path}`, `${openid}${path}`, `${path}${openid}`];
  return paths.map((candidate) => new URL(candidate, issuer));
}

/** A JSON object, or undefined where there is none (4xx, or a page in place of JSON). 5xx and silence are errors. */
async function fetchDocument(url: URL, fetch: BoundedFetch): Promise<Record<string, unknown> | undefined> {
  let response: Response;
  try {
    response = await fetch(url, { headers: { accept: 'application/json' } });
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    throw errors.authorizationServerUnreachable(url, reasonOf(error), error);
  }
  if (response.status >= 500) throw errors.authorizationServerUnreachable(url, `HTTP ${response.status}`);
  if (response.status !== 200) return undefined;
  const document: unknown = await response.json().catch(() => undefined);
  return typeof document === 'object' && document !== null && !Array.isArray(document)
    ? (document as Record<string, unknown>)
    : undefined;
}

function checkEndpoints(
  metadata: Record<string, unknown>,
  issuer: string,
  policy: EndpointPolicy,
): ServerMetadata {
  for (const name of ['authorization_endpoint', 'token_endpoint']) {
    const endpoint = metadata[name];
    if (typeof endpoint !== 'string') throw errors.authorizationServerMetadata(issuer, `${name} is missing`);
    policy(name.replace('_', ' '), endpoint);
  }
  if (!stringsOf(metadata['code_challenge_methods_supported']).includes('S256')) {
    throw errors.pkceUnsupported(issuer);
  }
  return metadata as unknown as ServerMetadata;
}

/** The published resource is the server itself, or a part of its path that contains it. */
function resourceFits(resource: string, server: URL): boolean {
  if (!URL.canParse(resource)) return false;
  const published = new URL(resource);
  if (published.origin !== server.origin) return false;
  const base = published.pathname.replace(/\/$/u, '');
  return `${server.pathname.replace(/\/$/u, '')}/`.startsWith(`${base}/`);
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** fetch hides the reason of a network failure in `cause`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message !== '' ? cause.message : messageOf(error);
}
