import type { ServerMetadata } from 'openid-client';
import type { StoredClient } from '../token-store/token-store.ts';

/** What a 401 says about signing in (RFC 6750, section 3; RFC 9728, section 5.1). */
export interface Challenge {
  readonly resourceMetadataUrl?: URL | undefined;
  readonly scope?: string | undefined;
  readonly dpop?: BindingOffer | undefined;
  /** A 403 for a token whose scopes do not suffice: the scope named is wanted in addition. */
  readonly stepUp?: boolean | undefined;
  /** What was asked for in the sign-in that does not suffice. */
  readonly alreadyRequested?: string | undefined;
}

/** That a server takes tokens that are bound to a key (RFC 9449): in a challenge it offers that. */
export interface BindingOffer {
  /** It takes no others. */
  readonly demanded: boolean;
  /** The JWS algorithms of proofs that it verifies; undefined when it does not say. */
  readonly algorithms?: readonly string[] | undefined;
}

/** What discovery finds out. */
export interface Discovery {
  /**
   * The protected resource's identifier, exactly as its metadata publishes it; absent for servers of 2025-03-26, which
   * publish none.
   */
  readonly resource: string | undefined;
  readonly scopesSupported?: readonly string[] | undefined;
  /** What the protected resource's metadata say of it (RFC 9728, section 2). */
  readonly dpop?: BindingOffer | undefined;
  /** The authorization server's metadata; its issuer has been compared. */
  readonly authorizationServer: ServerMetadata;
}

/** The client that signs in. */
export interface RegisteredClient extends StoredClient {
  /** Exactly what to ask for, when whoever registered the client said so. */
  readonly scope?: string | undefined;
}

/** Fetches with a deadline, a size limit and {@link EndpointPolicy}; never follows a redirect to another origin. */
export type BoundedFetch = (url: URL, init?: RequestInit) => Promise<Response>;
