import type { Configuration } from 'openid-client';
import { errors, ProxyError } from '../errors.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { planBinding, proofsBy, withBinding, withKey } from './binding.ts';
import { planClient } from './client-registration.ts';
import { openClient } from './client.ts';
import { networkTools, type AuthorizationContext, type GrantFacts, type NetworkTools } from './context.ts';
import { discover, discoverIssuer } from './discovery.ts';
import { asEmployee } from './enterprise-grant.ts';
import { asClient, asWorkload } from './machine-grants.ts';
import { deleteRegistration, revoke, type Outcome } from './revocation.ts';
import { refresh } from './token-request.ts';
import type { Challenge, Discovery } from './types.ts';
import { inTheBrowser, onAnotherDevice } from './user-grants.ts';

export type { AuthorizationContext } from './context.ts';

/**
 * The road from a 401 to tokens: discovery, client, request, browser, response, tokens.
 *
 * @param previous what an earlier sign-in left: a registration that may still do, and the scope that a step-up adds to
 */
export async function authorize(
  challenge: Challenge,
  previous: TokenSet | undefined,
  context: AuthorizationContext,
): Promise<TokenSet> {
  const tools = networkTools(context);
  const discovery = await discoverFor(challenge, context, tools);
  const bindingPlan = planBinding(challenge, discovery, context.config.dpop, context.server);
  const facts: GrantFacts = {
    plan: planClient(context.config, discovery.authorizationServer, previous),
    discovery,
    wanted: { ...challenge, alreadyRequested: challenge.stepUp ? previous?.requestedScope : undefined },
    binding: bindingPlan && (await withKey(bindingPlan)),
    tools,
  };
  const tokens = await grant(facts, context);
  context.log.info(`signed in to ${context.server.href}`);
  return tokens;
}

/** The grant that the configuration asks for. */
function grant(facts: GrantFacts, context: AuthorizationContext): Promise<TokenSet> {
  const { clientCredentials, workloadToken, deviceCode } = context.config;
  if (clientCredentials) return asClient(facts, context);
  if (context.identity !== undefined) return asEmployee(facts, context.identity, context);
  if (workloadToken !== undefined) return asWorkload(facts, workloadToken, context);
  return deviceCode ? onAnotherDevice(facts, context) : inTheBrowser(facts, context);
}

/** The discovery of a sign-in, with the settings applied; changes nothing anywhere. */
export async function discoverFor(
  challenge: Challenge,
  context: AuthorizationContext,
  tools = networkTools(context),
): Promise<Discovery> {
  const { server, config } = context;
  const discovery = await discover(server, challenge, tools);
  return {
    ...discovery,
    resource: config.withoutResource ? undefined : (config.resource ?? discovery.resource),
  };
}

/** Refreshes at the authorization server that issued the tokens; undefined when the grant is gone. */
export async function refreshTokens(
  tokens: TokenSet,
  context: AuthorizationContext,
): Promise<TokenSet | undefined> {
  const { oauthClient, tools } = await clientOf(tokens, context);
  const { proofKey: key } = tokens;
  const proofs = await proofsBy(key, oauthClient, tools.clocks);
  const renewed = await refresh(oauthClient, tokens, { proofs, now: context.now ?? Date.now });
  return renewed && withBinding(renewed, key && { key, demanded: false }, context.server);
}

/** Ends a sign-in at its authorization server: the grant, and a registration that was made for it. */
export async function endSignIn(
  tokens: TokenSet,
  context: AuthorizationContext,
): Promise<readonly Outcome[]> {
  try {
    const { oauthClient, tools } = await clientOf(tokens, context);
    const outcomes = [
      await endGrant(tokens, oauthClient, tools, context),
      await deleteRegistration(tokens, tools.fetch),
    ];
    return outcomes.filter((outcome) => outcome !== undefined);
  } catch (error) {
    if (error instanceof ProxyError) return [{ done: false, why: error.message }];
    throw error;
  }
}

/** Revokes; where the access token that is needed for that has ended, with a new one: the refresh token may outlive it by weeks. */
async function endGrant(
  tokens: TokenSet,
  oauthClient: Configuration,
  { clocks }: NetworkTools,
  { now = Date.now }: AuthorizationContext,
): Promise<Outcome> {
  const proofs = await proofsBy(tokens.proofKey, oauthClient, clocks);
  const outcome = await revoke(oauthClient, tokens, proofs);
  if (outcome.done || outcome.tokenIsOld !== true || tokens.refreshToken === undefined) return outcome;
  try {
    const renewed = await refresh(oauthClient, tokens, { proofs, now });
    if (renewed === undefined)
      return { done: true, how: 'the sign-in had ended at the authorization server' };
    return await revoke(oauthClient, renewed, proofs);
  } catch (error) {
    if (error instanceof ProxyError) return { done: false, why: error.message };
    throw error;
  }
}

async function clientOf(
  tokens: TokenSet,
  context: AuthorizationContext,
): Promise<{ oauthClient: Configuration; tools: NetworkTools }> {
  const tools = networkTools(context);
  const { config } = context;
  const client = config.client ?? tokens.client ?? (config.workloadToken && { clientId: '' });
  if (client === undefined) throw errors.clientNotRegistered(tokens.issuer);
  const authorizationServer = await discoverIssuer(tokens.issuer, context.server, tools);
  return {
    oauthClient: await openClient(authorizationServer, client, context, tools.fetch),
    tools,
  };
}
