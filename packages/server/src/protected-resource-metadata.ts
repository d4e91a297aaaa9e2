import { Router } from 'express';
import { resourceOf, type ServerConfig } from './config.ts';

const wellKnown = '/.well-known/oauth-protected-resource';

/** Where the metadata of the resource `…/mcp` stands: the well-known part before the path, whole (RFC 9728, section 3.1). */
export function resourceMetadataUrl(config: ServerConfig): string {
  const { origin, pathname } = new URL(resourceOf(config));
  return `${origin}${wellKnown}${pathname}`;
}

/**
 * Serves the protected resource metadata (RFC 9728) at its path and, for clients that know only the origin, at the root
 * form. It is public, so any page may read it.
 */
export function protectedResourceMetadata(config: ServerConfig): Router {
  const metadata = {
    resource: resourceOf(config),
    // Exactly as it was configured: clients compare it letter by letter, and a URL object would add a slash.
    authorization_servers: [config.issuer],
    scopes_supported: config.scopesSupported,
    bearer_methods_supported: ['header'],
    resource_name: 'FusionAuth MCP Server',
  };
  return Router().get([`${wellKnown}/mcp`, wellKnown], (_request, response) => {
    response.set('Access-Control-Allow-Origin', '*').json(metadata);
  });
}
