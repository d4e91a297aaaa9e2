import type { ServerMetadata } from 'openid-client';
import { errors } from '../errors.ts';
import type { CredentialSource } from '../option-values.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { requestByAssertion } from './assertion-grant.ts';
import { proofsBy, withBinding } from './binding.ts';
import { openClient } from './client.ts';
import type { AuthorizationContext, GrantFacts } from './context.ts';
import { scopeToRequest } from './scope.ts';
import { requestByClientCredentials } from './token-request.ts';
import type { RegisteredClient } from './types.ts';

/** The client credentials grant (RFC 6749, section 4.4): the client acts for itself. */
export async function asClient(facts: GrantFacts, context: AuthorizationContext): Promise<TokenSet> {
  const { discovery, binding, tools } = facts;
  const client = clientByHand(facts);
  const authorizationServer = withTokenEndpoint(discovery.authorizationServer, context.config);
  const oauthClient = await openClient(authorizationServer, client, context, tools.fetch);
  const tokens = await requestByClientCredentials(oauthClient, {
    resource: discovery.resource,
    scope: scopeToRequest(discovery, client, facts.wanted),
    proofs: await proofsBy(binding?.key, oauthClient, tools.clocks),
    now: context.now ?? Date.now,
  });
  return withBinding(tokens, binding, context.server);
}

/**
 * Workload identity: the platform that runs us has given us a token, which is read anew each time since it is replaced
 * before it expires (RFC 7523, section 2.1). A client that is registered says so; none has to be.
 */
export async function asWorkload(
  facts: GrantFacts,
  source: CredentialSource,
  context: AuthorizationContext,
): Promise<TokenSet> {
  const { discovery, binding, tools } = facts;
  const client = clientByHand(facts);
  const assertion = await context.readCredential(source, 'token of this workload');
  const authorizationServer = withTokenEndpoint(discovery.authorizationServer, context.config);
  const oauthClient = await openClient(authorizationServer, client, context, tools.fetch);
  const tokens = await requestByAssertion(oauthClient, {
    assertion,
    resource: discovery.resource,
    scope: scopeToRequest(withoutOfflineAccess(discovery), client, facts.wanted),
    proofs: await proofsBy(binding?.key, oauthClient, tools.clocks),
    now: context.now ?? Date.now,
  });
  return withBinding(tokens, binding, context.server);
}

function clientByHand({ plan, discovery }: GrantFacts): RegisteredClient {
  if (plan.kind === 'dynamic') throw errors.clientNotRegistered(discovery.authorizationServer.issuer);
  return plan.client;
}

/** The assertion takes the place of a refresh token (RFC 7521, section 4.1). */
function withoutOfflineAccess(discovery: GrantFacts['discovery']): GrantFacts['discovery'] {
  const { scopes_supported: scopes, ...metadata } = discovery.authorizationServer;
  const others = scopes?.filter((scope) => scope !== 'offline_access');
  return { ...discovery, authorizationServer: { ...metadata, ...(others && { scopes_supported: others }) } };
}

/** What the command line says of the token endpoint goes before any that the metadata name. */
function withTokenEndpoint(
  metadata: ServerMetadata,
  { tokenEndpoint }: AuthorizationContext['config'],
): ServerMetadata {
  if (tokenEndpoint === undefined) return metadata;
  const { mtls_endpoint_aliases: aliases, ...others } = metadata;
  return {
    ...others,
    token_endpoint: tokenEndpoint.href,
    ...(aliases === undefined
      ? {}
      : { mtls_endpoint_aliases: { ...aliases, token_endpoint: tokenEndpoint.href } }),
  };
}
