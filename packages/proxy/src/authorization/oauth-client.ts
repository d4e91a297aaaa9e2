import {
  allowInsecureRequests,
  Configuration,
  customFetch,
  type ClientAuth,
  type ServerMetadata,
} from 'openid-client';
import type { BoundedFetch, RegisteredClient } from './types.ts';

/** openid-client wants a name for a client that has none; the authentication sends none either. */
const nameless = 'anonymous';

/**
 * What openid-client needs for requests to one authorization server as one client.
 *
 * @param facts.throughTls the client shows a certificate: requests go to `mtls_endpoint_aliases` (RFC 8705, section 5)
 */
export function createOAuthClient(
  authorizationServer: ServerMetadata,
  client: RegisteredClient,
  facts: { readonly authentication: ClientAuth; readonly throughTls: boolean },
  fetch: BoundedFetch,
): Configuration {
  const configuration = new Configuration(
    authorizationServer,
    client.clientId === '' ? nameless : client.clientId,
    { use_mtls_endpoint_aliases: facts.throughTls },
    facts.authentication,
  );
  configuration[customFetch] = (url, init) => fetch(new URL(url), init as RequestInit);
  // The endpoint policy has already decided where http may be used.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- "deprecated" only so that it stands out, its docs say
  allowInsecureRequests(configuration);
  return configuration;
}
