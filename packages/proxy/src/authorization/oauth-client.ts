import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  None,
  type ClientAuth,
  type ServerMetadata,
} from 'openid-client';
import type { BoundedFetch, RegisteredClient } from './types.ts';

/** What openid-client needs for requests to one authorization server as one client. */
export function createOAuthClient(
  authorizationServer: ServerMetadata,
  client: RegisteredClient,
  fetch: BoundedFetch,
): Configuration {
  const configuration = new Configuration(
    authorizationServer,
    client.clientId,
    undefined,
    clientAuthentication(authorizationServer, client),
  );
  configuration[customFetch] = (url, init) => fetch(new URL(url), init as RequestInit);
  // The endpoint policy has already decided where http may be used.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- "deprecated" only so that it stands out, its docs say
  allowInsecureRequests(configuration);
  return configuration;
}

/** None without a secret; else what the metadata lists, Basic first, which is also its default (RFC 8414, section 2). */
function clientAuthentication(
  { token_endpoint_auth_methods_supported: methods }: ServerMetadata,
  client: RegisteredClient,
): ClientAuth {
  if (client.clientSecret === undefined) return None();
  if (methods === undefined || methods.includes('client_secret_basic'))
    return ClientSecretBasic(client.clientSecret);
  return ClientSecretPost(client.clientSecret);
}
