import { withDeadline } from '../deadline.ts';
import { errors, ProxyError } from '../errors.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { createAuthorizationRequest } from './authorization-request.ts';
import { proofsBy, withBinding } from './binding.ts';
import { withCallbackServer } from './callback-port.ts';
import type { CallbackServer } from './callback-server.ts';
import type { ClientPlan } from './client-registration.ts';
import { clientFor, openClient } from './client.ts';
import { timeoutOf, type AuthorizationContext, type GrantFacts } from './context.ts';
import { scopeToRequest } from './scope.ts';
import { exchangeCode, requestByDevice } from './token-request.ts';
import type { RegisteredClient } from './types.ts';

/** The authorization code grant: the user signs in with the browser of this machine, or of another one. */
export async function inTheBrowser(facts: GrantFacts, context: AuthorizationContext): Promise<TokenSet> {
  const { plan, discovery, wanted, binding, tools } = facts;
  const { server, config, now = Date.now } = context;
  // What was registered by hand has a fixed redirect URI; a client that registers itself takes any free port.
  const ports =
    plan.kind === 'pre-registered' ? [config.callbackPort] : [portOf(plan) ?? config.callbackPort, 0];
  return withCallbackServer(ports, context, async (callbackServer) => {
    const { redirectUri } = callbackServer;
    const client = await clientFor(facts, redirectUri, config);
    const oauthClient = await openClient(discovery.authorizationServer, client, context, tools.fetch);
    const proofs = await proofsBy(binding?.key, oauthClient, tools.clocks);
    const request = await createAuthorizationRequest(oauthClient, {
      redirectUri,
      resource: discovery.resource,
      scope: scopeToRequest(discovery, client, wanted),
      dpopJkt: await proofs.DPoP?.calculateThumbprint(),
      extra: config.authorizeParameters,
    });
    const response = await askUser(callbackServer, request, context);
    try {
      const redeemed = { ...request, server, responseUrl: response.url, proofs, now };
      const tokens = withBinding(await exchangeCode(oauthClient, redeemed), binding, server);
      await response.succeed(config.successUrl);
      return withClient(tokens, plan, client);
    } catch (error) {
      if (error instanceof ProxyError) await response.fail(error);
      throw error;
    }
  });
}

/** Shows the sign-in page and waits for its answer. */
async function askUser(
  callbackServer: CallbackServer,
  request: { url: URL; state: string },
  { server, config, notice, openBrowser, pending, signal }: AuthorizationContext,
): ReturnType<CallbackServer['response']> {
  const arrival = callbackServer.response(request.state, server);
  await pending.begin(request.url);
  notice.show(request.url);
  await openBrowser(request.url);
  return withDeadline(arrival, {
    milliseconds: config.signInTimeout,
    error: (milliseconds) => errors.signInTimeout(server, milliseconds),
    signal,
  });
}

/** RFC 8628: the user enters a code on any device. */
export async function onAnotherDevice(facts: GrantFacts, context: AuthorizationContext): Promise<TokenSet> {
  const { discovery, plan, binding, tools } = facts;
  const { server, config, log, notice, pending, signal, now = Date.now } = context;
  const { issuer, device_authorization_endpoint: endpoint } = discovery.authorizationServer;
  if (endpoint === undefined) throw errors.deviceGrantUnsupported(issuer);
  const client = await clientFor(
    facts,
    new URL(`http://${config.host}:${config.callbackPort}${config.callbackPath}`),
    config,
  );
  const oauthClient = await openClient(discovery.authorizationServer, client, context, tools.fetch);
  const tokens = await requestByDevice(oauthClient, {
    server,
    resource: discovery.resource,
    scope: scopeToRequest(discovery, client, facts.wanted),
    proofs: await proofsBy(binding?.key, oauthClient, tools.clocks),
    now,
    signal: AbortSignal.any([signal, timeoutOf(config.signInTimeout, server)]),
    present: async (device) => {
      const page = tools.policy(
        'verification page',
        device.verification_uri_complete ?? device.verification_uri,
      );
      await pending.begin(page);
      notice.show(page);
      log.notice(`if you are asked for a code, it is ${device.user_code}`);
    },
  });
  return withClient(withBinding(tokens, binding, server), plan, client);
}

/** A client that the configuration does not name is kept with its tokens. */
function withClient(tokens: TokenSet, plan: ClientPlan, client: RegisteredClient): TokenSet {
  if (plan.kind === 'pre-registered') return tokens;
  const { clientId, clientSecret, authenticationMethod, registration } = client;
  return { ...tokens, client: { clientId, clientSecret, authenticationMethod, registration } };
}

function portOf(plan: ClientPlan): number | undefined {
  const redirectUri = plan.kind === 'dynamic' ? plan.known?.registration?.redirectUri : undefined;
  return redirectUri === undefined ? undefined : Number(new URL(redirectUri).port);
}
