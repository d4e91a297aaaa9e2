import { messageOf } from '@mcp-keyhole/cli-kit';
import type { ServerMetadata } from 'openid-client';
import { errors, ProxyError } from '../errors.ts';
import type { EndpointPolicy } from './endpoint-policy.ts';
import type { BindingOffer, BoundedFetch, Challenge, Discovery } from './types.ts';

interface DiscoveryTools {
  readonly fetch: BoundedFetch;
  readonly policy: EndpointPolicy;
}

/**
 * Finds the protected resource's metadata (RFC 9728) and that of its authorization server (RFC 8414, OpenID Connect
 * Discovery), and checks what an attacker could bend: the resource must be the server asked for, the issuer the one
 * that was named. A server without resource metadata is taken for one of 2025-03-26, which is
 * its own authorization server.
 *
 * @throws ProxyError with the codes of discovery
 */
export async function discover(server: URL, challenge: Challenge, tools: DiscoveryTools): Promise<Discovery> {
  const metadata = await fetchResourceMetadata(server, challenge, tools);
  if (metadata === undefined) return discoverAtServer(server, tools);
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
    dpop: bindingOfferIn(metadata),
    authorizationServer: await discoverAuthorizationServer(issuer, tools),
  };
}

/** RFC 9728, section 2. */
function bindingOfferIn(metadata: Readonly<Record<string, unknown>>): BindingOffer | undefined {
  const demanded = metadata['dpop_bound_access_tokens_required'] === true;
  const values = metadata['dpop_signing_alg_values_supported'];
  if (!demanded && values === undefined) return undefined;
  return { demanded, algorithms: values === undefined ? undefined : stringsOf(values) };
}

/** Fetches an authorization server's metadata by its issuer, in the order that MCP prescribes. */
export async function discoverAuthorizationServer(
  issuer: string,
  tools: DiscoveryTools,
): Promise<ServerMetadata> {
  if (!URL.canParse(issuer)) throw errors.issuerNotUrl(issuer);
  const metadata = await fetchServerMetadata(issuer, tools);
  if (metadata !== undefined) return metadata;
  throw errors.authorizationServerMetadata(issuer, 'none of the well-known addresses has a document');
}

/** The authorization server that issued tokens for this server, even one of 2025-03-26 that publishes nothing. */
export async function discoverIssuer(
  issuer: string,
  server: URL,
  tools: DiscoveryTools,
): Promise<ServerMetadata> {
  if (issuer !== server.origin) return discoverAuthorizationServer(issuer, tools);
  return (await discoverAtServer(server, tools)).authorizationServer;
}

/**
 * MCP 2025-03-26: the authorization server is the MCP server's origin, and without metadata its endpoints are
 * /authorize, /token and /register there.
 */
async function discoverAtServer(server: URL, tools: DiscoveryTools): Promise<Discovery> {
  const { origin } = server;
  const published = await fetchServerMetadata(origin, tools);
  if (published !== undefined) return { resource: undefined, authorizationServer: published };
  const authorizationEndpoint = tools.policy('authorization endpoint', `${origin}/authorize`);
  if (!(await exists(authorizationEndpoint, tools.fetch))) throw errors.resourceMetadataMissing(server);
  return {
    resource: undefined,
    authorizationServer: {
      issuer: origin,
      authorization_endpoint: authorizationEndpoint.href,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
      // There is no metadata that could announce it; that revision requires it.
      code_challenge_methods_supported: ['S256'],
    },
  };
}

async function fetchResourceMetadata(
  server: URL,
  challenge: Challenge,
  { fetch, policy }: DiscoveryTools,
): Promise<Record<string, unknown> | undefined> {
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
  return undefined;
}

/** The first document whose issuer is exactly the one asked for; undefined when there is no document at all. */
async function fetchServerMetadata(
  issuer: string,
  { fetch, policy }: DiscoveryTools,
): Promise<ServerMetadata | undefined> {
  let mismatch: ProxyError | undefined;
  for (const address of authorizationServerMetadataUrls(policy('authorization server', issuer))) {
    const metadata = await fetchDocument(address, fetch);
    if (metadata === undefined) continue;
    if (metadata['issuer'] === issuer) return checkEndpoints(metadata, issuer, policy);
    mismatch ??= errors.issuerMismatch(issuer, String(metadata['issuer']));
  }
  if (mismatch !== undefined) throw mismatch;
  return undefined;
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
  const response = await get(url, fetch);
  if (response.status !== 200) return undefined;
  const document: unknown = await response.json().catch(() => undefined);
  return typeof document === 'object' && document !== null && !Array.isArray(document)
    ? (document as Record<string, unknown>)
    : undefined;
}

/**
 * An authorization endpoint may redirect to a sign-in page anywhere, where to is the browser's business; and asked
 * without parameters it may fail, even with 500.
 */
async function exists(url: URL, fetch: BoundedFetch): Promise<boolean> {
  const { status } = await get(url, fetch, { redirect: 'manual' }, (code) => code <= 500);
  return ![404, 405, 410].includes(status);
}

async function get(
  url: URL,
  fetch: BoundedFetch,
  init: RequestInit = {},
  isAnswer = (status: number): boolean => status < 500,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers: { accept: 'application/json' } });
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    throw errors.authorizationServerUnreachable(url, reasonOf(error), error);
  }
  if (!isAnswer(response.status)) throw errors.authorizationServerUnreachable(url, `HTTP ${response.status}`);
  return response;
}

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'device_authorization_endpoint',
  'revocation_endpoint',
];

function checkEndpoints(
  metadata: Record<string, unknown>,
  issuer: string,
  policy: EndpointPolicy,
): ServerMetadata {
  const { mtls_endpoint_aliases: aliases } = metadata;
  for (const [name, endpoint] of Object.entries(typeof aliases === 'object' ? (aliases ?? {}) : {})) {
    // RFC 8705, section 5: the same endpoints, where a client's certificate is asked for.
    if (typeof endpoint === 'string') policy(name.replaceAll('_', ' '), endpoint);
  }
  for (const name of endpoints) {
    const endpoint = metadata[name];
    if (typeof endpoint === 'string') policy(name.replaceAll('_', ' '), endpoint);
    else if (name === 'token_endpoint')
      throw errors.authorizationServerMetadata(issuer, `${name} is missing`);
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
