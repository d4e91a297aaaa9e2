import type { ServerMetadata } from 'openid-client';

/** What a 401 says about signing in (RFC 6750, section 3; RFC 9728, section 5.1). */
export interface Challenge {
  readonly resourceMetadataUrl?: URL | undefined;
  readonly scope?: string | undefined;
}

/** What discovery finds out. */
export interface Discovery {
  /** The protected resource's identifier, exactly as its metadata publishes it. */
  readonly resource: string;
  readonly scopesSupported?: readonly string[] | undefined;
  /** The authorization server's metadata; its issuer has been compared. */
  readonly authorizationServer: ServerMetadata;
}

/** The client that signs in. */
export interface RegisteredClient {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** Exactly what to ask for, when whoever registered the client said so. */
  readonly scope?: string | undefined;
}

/** Fetches with a deadline, a size limit and {@link EndpointPolicy}; never follows a redirect to another origin. */
export type BoundedFetch = (url: URL, init?: RequestInit) => Promise<Response>;
