import { errors, ProxyError } from '../errors.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { requestByAssertion } from './assertion-grant.ts';
import { proofsBy, withBinding } from './binding.ts';
import { openClient } from './client.ts';
import {
  atIdentityProvider,
  networkTools,
  type AuthorizationContext,
  type GrantFacts,
  type Identity,
} from './context.ts';
import { discoverAuthorizationServer } from './discovery.ts';
import { requestIdentityAssertion } from './identity-assertion.ts';
import { scopeToRequest } from './scope.ts';

/**
 * Enterprise-managed authorization: the company's identity provider says in an ID-JAG that this user may use this server,
 * and the server's authorization server gives a token for it (MCP's extension of that name). Nobody is asked for consent.
 */
export async function asEmployee(
  facts: GrantFacts,
  identity: Identity,
  context: AuthorizationContext,
): Promise<TokenSet> {
  const { plan, discovery, wanted, binding } = facts;
  const { authorizationServer, resource } = discovery;
  if (plan.kind === 'dynamic') throw errors.clientNotRegistered(authorizationServer.issuer);
  const scope = scopeToRequest(discovery, plan.client, wanted);
  const there = atIdentityProvider(context);
  const { client, identityProvider: issuer = '' } = there.config;
  if (client === undefined) throw errors.clientNotRegistered(issuer);
  const tools = networkTools(there);
  const metadata = await discoverAuthorizationServer(issuer, tools);
  const provider = await openClient(metadata, client, there, tools.fetch);
  const exchange = (idToken: string): Promise<string> =>
    requestIdentityAssertion(provider, { idToken, audience: authorizationServer.issuer, resource, scope });
  const idToken = await identity.current();
  const assertion = await exchange(idToken).catch(async (error: unknown) => {
    if (!(error instanceof ProxyError) || error.code !== 'assertion-refused') throw error;
    const newer = await identity.renewed(idToken);
    if (newer === idToken) throw error;
    return exchange(newer);
  });
  const oauthClient = await openClient(authorizationServer, plan.client, context, facts.tools.fetch);
  const proofs = await proofsBy(binding?.key, oauthClient, facts.tools.clocks);
  const { now = Date.now } = context;
  const tokens = await requestByAssertion(oauthClient, { assertion, resource, scope, proofs, now });
  return withBinding(tokens, binding, context.server);
}
