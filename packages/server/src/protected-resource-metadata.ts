import type { RequestHandler } from 'express';

const wellKnown = '/.well-known/oauth-protected-resource';

/** The protected resource metadata (RFC 9728, section 2). */
export interface ProtectedResource {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly scopes_supported: readonly string[];
  readonly resource_name: string;
  /** RFC 9728, section 2: what proofs may be signed with, and that tokens without a key are refused. */
  readonly dpop_signing_alg_values_supported: readonly string[];
  readonly dpop_bound_access_tokens_required?: true;
}

/** Where the metadata of the resource `…/mcp` stands: the well-known part before the path, whole (RFC 9728, section 3.1). */
export function resourceMetadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}${wellKnown}${pathname === '/' ? '' : pathname}`;
}

/**
 * Where requests for the metadata arrive: at its path and, from clients that know only the origin, at the root form.
 *
 * @param path of the resource, as requests arrive here
 */
export function resourceMetadataPaths(path: string): string[] {
  return [`${wellKnown}${path}`, wellKnown];
}

/** Answers with the protected resource metadata (RFC 9728). It is public, so any page may read it. */
export function protectedResourceMetadata(metadata: ProtectedResource): RequestHandler {
  return (_request, response) => {
    response
      .set('Access-Control-Allow-Origin', '*')
      .json({ ...metadata, bearer_methods_supported: ['header'] });
  };
}
