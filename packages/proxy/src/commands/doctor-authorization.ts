import { cleanLine } from '@mcp-keyhole/cli-kit';
import { requirePkce } from '../authorization/authorization-request.ts';
import { planBinding } from '../authorization/binding.ts';
import { planClient, type ClientPlan } from '../authorization/client-registration.ts';
import { scopeToRequest } from '../authorization/scope.ts';
import type { Challenge, Discovery, RegisteredClient } from '../authorization/types.ts';
import type { ProxyConfig } from '../config.ts';
import { errors } from '../errors.ts';
import { check, fine, warning, wrong, type Finding, type Verdict } from './finding.ts';

/** Goes through what discovery found, with the steps of the sign-in that ask nobody anything. */
export async function* examineAuthorization(
  discovery: Discovery,
  challenge: Challenge,
  config: ProxyConfig,
  server: URL,
): AsyncGenerator<Finding> {
  const { authorizationServer } = discovery;
  yield check('resource-metadata', () => metadataVerdict(discovery, config));
  yield check('resource', () => resourceVerdict(discovery, config));
  yield check('authorization-server', () =>
    fine(`${cleanLine(authorizationServer.issuer)} publishes metadata under its own name`),
  );
  const needsUser = !config.clientCredentials && config.workloadToken === undefined;
  if (needsUser && !config.deviceCode) {
    yield check('pkce', () => {
      requirePkce(authorizationServer);
      return fine('S256');
    });
  }
  let plan: ClientPlan | undefined;
  yield check('registration', () => {
    plan = planClient(config, authorizationServer, undefined);
    return planVerdict(plan, discovery, config);
  });
  if ((challenge.dpop ?? discovery.dpop) !== undefined || config.dpop === 'always')
    yield check('binding', () => bindingVerdict(discovery, challenge, config, server));
  const scope = scopeToRequest(discovery, clientOf(plan, config), challenge);
  yield check('scopes', () => scopeVerdict(scope, challenge));
  if (needsUser) yield check('refresh', () => refreshVerdict(scope, discovery));
}

function metadataVerdict({ resource, scopesSupported }: Discovery, config: ProxyConfig): Verdict {
  if (resource === undefined && !config.withoutResource) {
    return warning(
      'none: taken for a server of MCP 2025-03-26, which is its own authorization server',
      'Its operator should publish /.well-known/oauth-protected-resource (RFC 9728).',
    );
  }
  return fine(`found; scopes: ${cleanLine(scopesSupported?.join(' ') ?? 'not told')}`);
}

function resourceVerdict({ resource }: Discovery, config: ProxyConfig): Verdict {
  if (config.withoutResource) return fine('left out, as you asked');
  if (resource === undefined) return fine('left out: the server publishes none');
  return fine(`${cleanLine(resource)}${config.resource === undefined ? '' : ', as you asked'}`);
}

function planVerdict(plan: ClientPlan, { authorizationServer }: Discovery, config: ProxyConfig): Verdict {
  const { issuer } = authorizationServer;
  if (config.deviceCode && authorizationServer.device_authorization_endpoint === undefined)
    return wrong(errors.deviceGrantUnsupported(issuer));
  switch (plan.kind) {
    case 'pre-registered':
      return fine(`by hand, as client ${cleanLine(plan.client.clientId)}`);
    case 'none':
      return fine('none: the token of the workload is enough');
    case 'metadata-document':
      return fine(`by the metadata document ${plan.client.clientId}`);
    case 'dynamic':
      if (config.clientCredentials) return wrong(errors.clientNotRegistered(issuer));
      return config.clientMetadataUrl === undefined
        ? fine('by itself (dynamic registration)')
        : warning(
            'by itself (dynamic registration): the authorization server takes no metadata documents',
            'Leave --client-metadata-url out.',
          );
  }
}

/** RFC 9449. */
function bindingVerdict(
  discovery: Discovery,
  challenge: Challenge,
  { dpop: mode }: ProxyConfig,
  server: URL,
): Verdict {
  const plan = planBinding(challenge, discovery, mode, server);
  const { issuer, dpop_signing_alg_values_supported: announced } = discovery.authorizationServer;
  if (plan === undefined) {
    const why =
      mode === 'never'
        ? 'as you asked'
        : challenge.dpop === undefined
          ? 'since its challenge offers no others; --dpop always asks for them'
          : `since ${cleanLine(issuer)} issues no others`;
    return fine(`bearer tokens, ${why}; the server takes tokens that are bound to a key (DPoP) too`);
  }
  if (announced === undefined) {
    return warning(
      `tokens must be bound to a key (DPoP), and ${cleanLine(issuer)} does not announce that it can`,
      'Its operator must enable DPoP (RFC 9449), and list algorithms in dpop_signing_alg_values_supported.',
    );
  }
  return fine(
    `tokens will be bound to a key (DPoP, ${plan.alg})${plan.demanded ? '' : ', as the server offers'}`,
  );
}

/** The client that would sign in, as far as its scopes go. */
function clientOf(plan: ClientPlan | undefined, config: ProxyConfig): Pick<RegisteredClient, 'scope'> {
  if (plan !== undefined && plan.kind !== 'dynamic') return plan.client;
  const scope = config.clientMetadata?.['scope'];
  return typeof scope === 'string' ? { scope } : {};
}

function scopeVerdict(scope: string | undefined, challenge: Challenge): Verdict {
  const asked = scope?.split(' ') ?? [];
  const missing = (challenge.scope?.split(' ') ?? []).filter((word) => !asked.includes(word));
  if (missing.length > 0) {
    return warning(
      `would be asked for: ${cleanLine(asked.join(' '))}; but the server also wants ${cleanLine(missing.join(' '))}`,
      'Add what is missing to the scope of --static-oauth-client-info or --static-oauth-client-metadata.',
    );
  }
  return fine(
    asked.length === 0
      ? 'none are named: the authorization server decides'
      : `would be asked for: ${cleanLine(asked.join(' '))}`,
  );
}

function refreshVerdict(scope: string | undefined, { authorizationServer }: Discovery): Verdict {
  const { scopes_supported: scopes, grant_types_supported: grants } = authorizationServer;
  if (scope?.split(' ').includes('offline_access') === true) return fine('offline_access is asked for');
  if (scopes?.includes('offline_access') === true) {
    return warning(
      'offline_access is offered, but not asked for: each sign-in ends with its access token',
      'Add offline_access to the scope of --static-oauth-client-info or --static-oauth-client-metadata.',
    );
  }
  if (grants?.includes('refresh_token') === true)
    return fine('the authorization server refreshes without offline_access');
  return warning(
    'the authorization server announces neither offline_access nor the refresh grant',
    'A sign-in may end with its access token. Its operator can enable refresh tokens.',
  );
}
