import {
  allowInsecureRequests,
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

/**
 * How the client authenticates at the token endpoint: as its registration says, else not at all without a secret, else
 * what the metadata lists, Basic first, which is also its default (RFC 8414, section 2).
 */
function clientAuthentication(
  { token_endpoint_auth_methods_supported: methods }: ServerMetadata,
  { clientSecret, authenticationMethod }: RegisteredClient,
): ClientAuth {
  if (clientSecret === undefined || authenticationMethod === 'none') return None();
  const listed = ['client_secret_basic', 'client_secret_post'].find((method) => methods?.includes(method));
  return (authenticationMethod ?? listed) === 'client_secret_post'
    ? ClientSecretPost(clientSecret)
    : basicAuthentication(clientSecret);
}

/**
 * client_secret_basic with the encoding of RFC 6749, section 2.3.1, and no more of it than that asks for: many servers
 * take the header as it stands, and refuse a client id whose hyphens are escaped, as openid-client has it.
 */
function basicAuthentication(clientSecret: string): ClientAuth {
  const encode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
  return (_authorizationServer, client, _body, headers) => {
    const credentials = `${encode(client.client_id)}:${encode(clientSecret)}`;
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  };
}
