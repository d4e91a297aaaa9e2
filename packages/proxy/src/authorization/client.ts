import type { Configuration, ServerMetadata } from 'openid-client';
import { clientAuthentication, isTls, methodOf, type ClientCredentials } from './client-authentication.ts';
import { readClientKey, type ClientKey } from './client-key.ts';
import { registerClient } from './client-registration.ts';
import type { AuthorizationContext, GrantFacts } from './context.ts';
import { createOAuthClient } from './oauth-client.ts';
import { covers, scopeToRequest } from './scope.ts';
import type { BoundedFetch, RegisteredClient } from './types.ts';

/** The client of a plan, registered with this redirect URI if it has to register itself. */
export async function clientFor(
  { plan, discovery, wanted, tools }: GrantFacts,
  redirectUri: URL,
  config: AuthorizationContext['config'],
): Promise<RegisteredClient> {
  if (plan.kind !== 'dynamic') return plan.client;
  const { known } = plan;
  if (known?.registration?.redirectUri === redirectUri.href) {
    const asked = scopeToRequest(discovery, known, wanted);
    // A step-up may ask for more than the client was registered for.
    if (covers(known.registration.scope ?? asked, asked)) return known;
  }
  const { authorizationServer } = discovery;
  const scope = scopeToRequest(discovery, {}, wanted);
  return registerClient({ ...plan, authorizationServer, redirectUri, settings: config, scope }, tools.fetch);
}

/** openid-client's view of a client at an authorization server, with what the client authenticates with. */
export async function openClient(
  authorizationServer: ServerMetadata,
  client: RegisteredClient,
  context: AuthorizationContext,
  fetch: BoundedFetch,
): Promise<Configuration> {
  const credentials = await credentialsOf(authorizationServer, client, context);
  const method = methodOf(authorizationServer, client, credentials);
  const authentication = clientAuthentication(method, client, credentials);
  const throughTls = isTls(method) || credentials.ownCertificate;
  return createOAuthClient(authorizationServer, client, { authentication, throughTls }, fetch);
}

/** A client that registered itself has its secret; key and certificate are of one that was registered by hand. */
export async function credentialsOf(
  authorizationServer: ServerMetadata,
  client: RegisteredClient,
  context: Pick<AuthorizationContext, 'config' | 'readCredential'>,
): Promise<ClientCredentials> {
  const { config } = context;
  const isOurs = client.registration === undefined;
  return {
    method: isOurs ? config.clientAuthentication : undefined,
    key: isOurs ? await keyOf(authorizationServer, context) : undefined,
    audience: config.clientAssertionAudience,
    ownCertificate: isOurs && config.tokenEndpointCert !== undefined,
  };
}

async function keyOf(
  { token_endpoint_auth_signing_alg_values_supported: supported }: ServerMetadata,
  { config, readCredential }: Pick<AuthorizationContext, 'config' | 'readCredential'>,
): Promise<ClientKey | undefined> {
  const { clientKey, clientKeyId, environment } = config;
  if (clientKey === undefined) return undefined;
  const text = await readCredential(clientKey, "client's private key");
  const key = await readClientKey(text, supported, environment['MCP_KEYHOLE_KEY_PASSPHRASE']);
  return { ...key, kid: clientKeyId ?? key.kid };
}
