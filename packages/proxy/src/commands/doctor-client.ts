import { X509Certificate } from 'node:crypto';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { jwtBearerGrant } from '../authorization/assertion-grant.ts';
import { isTls, methodOf, type ClientCredentials } from '../authorization/client-authentication.ts';
import { credentialsOf } from '../authorization/client.ts';
import type { Discovery, RegisteredClient } from '../authorization/types.ts';
import type { ProxyConfig } from '../config.ts';
import { describeSource, type ReadCredential } from '../credential.ts';
import { errors } from '../errors.ts';
import type { CredentialSource } from '../option-values.ts';
import { check, fine, warning, wrong, type Finding, type Verdict } from './finding.ts';

type AuthorizationServer = Discovery['authorizationServer'];

/** Looks at what the client would authenticate with, without sending any of it. */
export async function* examineClient(
  { authorizationServer }: Discovery,
  config: ProxyConfig,
  readCredential: ReadCredential,
): AsyncGenerator<Finding> {
  const { client, clientMetadataUrl, workloadToken } = config;
  const ours: RegisteredClient | undefined =
    client ?? (clientMetadataUrl === undefined ? undefined : { clientId: clientMetadataUrl.href });
  const chosen = config.clientKey ?? config.clientAuthentication ?? config.tokenEndpointCert;
  if (ours !== undefined && chosen !== undefined) {
    yield check('client-authentication', async () => {
      const credentials = await credentialsOf(authorizationServer, ours, { config, readCredential });
      return authenticationVerdict(authorizationServer, ours, credentials);
    });
  }
  if (config.tokenEndpointCert !== undefined || isTls(config.clientAuthentication))
    yield check('certificate', () => certificateVerdict(authorizationServer, config, Date.now()));
  if (config.identityProvider !== undefined) yield check('id-jag', () => grantVerdict(authorizationServer));
  if (workloadToken !== undefined)
    yield check('workload-token', () =>
      workloadVerdict(authorizationServer, workloadToken, readCredential, Date.now()),
    );
}

function authenticationVerdict(
  authorizationServer: AuthorizationServer,
  client: RegisteredClient,
  credentials: ClientCredentials,
): Verdict {
  const method = methodOf(authorizationServer, client, credentials);
  const { token_endpoint_auth_methods_supported: methods } = authorizationServer;
  const { token_endpoint_auth_signing_alg_values_supported: algorithms } = authorizationServer;
  if (methods?.includes(method) === false) {
    return warning(
      `${method}, which the authorization server does not announce: ${cleanLine(methods.join(', '))}`,
      'Register the client for one of those, and give its secret, --client-key, or certificate.',
    );
  }
  const { key } = credentials;
  if (method !== 'private_key_jwt' || key === undefined) return fine(method);
  if (algorithms?.includes(key.alg) === false) {
    return warning(
      `private_key_jwt with ${key.alg}, which the authorization server does not announce: ${cleanLine(algorithms.join(', '))}`,
      'Make a key of another type, and register its public half.',
    );
  }
  return fine(`private_key_jwt with ${key.alg}${key.kid === undefined ? '' : `, key ${cleanLine(key.kid)}`}`);
}

/** RFC 8705: when the certificate ends, and whether tokens that are bound to it can be used. */
function certificateVerdict(metadata: AuthorizationServer, config: ProxyConfig, now: number): Verdict {
  const pem = config.tokenEndpointCert ?? config.cert;
  if (pem === undefined) return wrong(errors.flagIncomplete('tls_client_auth', '--token-endpoint-cert'));
  const certificate = new X509Certificate(pem);
  const end = new Date(certificate.validTo);
  const subject = cleanLine(certificate.subject.replaceAll('\n', ', '));
  const facts = `${subject}, until ${certificate.validTo}`;
  if (end.getTime() < now)
    return warning(`it has ended: ${facts}`, 'Have it renewed, and put the new file in its place.');
  const isBound = metadata.tls_client_certificate_bound_access_tokens === true;
  if (isBound && config.tokenEndpointCert !== undefined && config.tokenEndpointCert !== config.cert) {
    return warning(
      `${facts}; the authorization server binds tokens to it, and the MCP server would not see it`,
      'Give the same certificate with --cert and --key, and leave --token-endpoint-cert out (RFC 8705, section 3).',
    );
  }
  const aliases = metadata.mtls_endpoint_aliases?.token_endpoint;
  return fine(aliases === undefined ? facts : `${facts}; shown to ${cleanLine(aliases)}`);
}

/** draft-ietf-oauth-identity-assertion-authz-grant, section 7.2 */
function grantVerdict(metadata: AuthorizationServer): Verdict {
  const { issuer, grant_types_supported: grants } = metadata;
  const profiles: unknown = metadata['authorization_grant_profiles_supported'];
  const isAnnounced =
    grants?.includes(jwtBearerGrant) === true ||
    (Array.isArray(profiles) && profiles.includes('urn:ietf:params:oauth:grant-profile:id-jag'));
  return isAnnounced
    ? fine(`${cleanLine(issuer)} takes grants of an identity provider`)
    : warning(
        `${cleanLine(issuer)} does not announce that it takes grants of an identity provider`,
        `Its operator must allow the grant ${jwtBearerGrant} and trust --identity-provider.`,
      );
}

/** What the token of a workload says; whether it is believed is known only when it is used. */
async function workloadVerdict(
  metadata: AuthorizationServer,
  source: CredentialSource,
  readCredential: ReadCredential,
  now: number,
): Promise<Verdict> {
  const { issuer, token_endpoint: tokenEndpoint, grant_types_supported: grants } = metadata;
  const claims = claimsOf(await readCredential(source, 'token of this workload'), source);
  const audience = [claims['aud']].flat().map(String);
  const facts = `from ${cleanLine(String(claims['iss']))}, subject ${cleanLine(String(claims['sub']))}, audience ${cleanLine(audience.join(' '))}`;
  const end = Number(claims['exp'] ?? Number.NaN) * 1_000;
  if (end <= now) {
    return warning(
      `${facts}; it ended ${new Date(end).toISOString()}`,
      `What issues it must replace it in ${describeSource(source)}; it is read anew each time.`,
    );
  }
  if (![issuer, `${issuer}/`, tokenEndpoint].some((name) => audience.includes(name ?? ''))) {
    return warning(
      `${facts}; the authorization server is ${cleanLine(issuer)}`,
      'Have the platform issue it for that audience.',
    );
  }
  if (grants?.includes(jwtBearerGrant) === false) {
    return warning(
      `${facts}; the authorization server does not announce the grant ${jwtBearerGrant}`,
      'Its operator must allow it, and trust that issuer.',
    );
  }
  return fine(facts);
}

function claimsOf(token: string, source: CredentialSource): Readonly<Record<string, unknown>> {
  try {
    const [, claims = ''] = token.split('.');
    return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as Record<string, unknown>;
  } catch {
    // The parser's own message quotes the text.
    throw errors.credentialUnreadable('token of this workload', describeSource(source), 'it is not a JWT');
  }
}
