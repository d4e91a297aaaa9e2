import type { Log } from '@mcp-keyhole/cli-kit';
import type { Configuration, ServerMetadata } from 'openid-client';
import type { ProxyConfig } from '../config.ts';
import { withDeadline } from '../deadline.ts';
import { errors, ProxyError } from '../errors.ts';
import type { SignInNotice } from '../sign-in-notice.ts';
import type { StateFolder } from '../state-folder.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { createAuthorizationRequest } from './authorization-request.ts';
import { createBoundedFetch } from './bounded-fetch.ts';
import type { OpenBrowser } from './browser.ts';
import { withCallbackServer } from './callback-port.ts';
import type { CallbackServer } from './callback-server.ts';
import { planClient, registerClient, type ClientPlan } from './client-registration.ts';
import { discover, discoverIssuer } from './discovery.ts';
import { createEndpointPolicy } from './endpoint-policy.ts';
import { createOAuthClient } from './oauth-client.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import { deleteRegistration, revoke, type Outcome } from './revocation.ts';
import { covers, scopeToRequest } from './scope.ts';
import { exchangeCode, refresh, requestByClientCredentials, requestByDevice } from './token-request.ts';
import type { Challenge, Discovery, RegisteredClient } from './types.ts';

/** What the sign-in at one MCP server needs. */
export interface AuthorizationContext {
  readonly server: URL;
  readonly config: Pick<
    ProxyConfig,
    | 'client'
    | 'clientMetadata'
    | 'clientMetadataUrl'
    | 'clientCredentials'
    | 'deviceCode'
    | 'tokenEndpoint'
    | 'allowHttp'
    | 'host'
    | 'callbackPort'
    | 'callbackPath'
    | 'successUrl'
    | 'signInTimeout'
    | 'resource'
    | 'withoutResource'
    | 'authorizeParameters'
  >;
  readonly folder: StateFolder;
  readonly pending: PendingSignIn;
  readonly notice: SignInNotice;
  readonly log: Log;
  readonly openBrowser: OpenBrowser;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
  /** Default: the global fetch. */
  readonly fetch?: typeof fetch;
  /** Milliseconds since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

type Tools = Parameters<typeof discover>[2];

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
  const { config } = context;
  const tools = networkTools(context);
  const discovery = await discoverFor(challenge, context);
  const plan = planClient(config, discovery.authorizationServer, previous);
  const wanted: Challenge = {
    ...challenge,
    alreadyRequested: challenge.stepUp ? previous?.requestedScope : undefined,
  };
  const facts = { plan, discovery, wanted, tools };
  const tokens = config.clientCredentials
    ? await withoutUser(facts, context)
    : config.deviceCode
      ? await onAnotherDevice(facts, context)
      : await inTheBrowser(facts, context);
  context.log.info(`signed in to ${context.server.href}`);
  return tokens;
}

/** The discovery of a sign-in, with the settings applied; changes nothing anywhere. */
export async function discoverFor(challenge: Challenge, context: AuthorizationContext): Promise<Discovery> {
  const { server, config } = context;
  return withSettings(await discover(server, challenge, networkTools(context)), config);
}

interface Facts {
  readonly plan: ClientPlan;
  readonly discovery: Discovery;
  readonly wanted: Challenge;
  readonly tools: Tools;
}

async function inTheBrowser(facts: Facts, context: AuthorizationContext): Promise<TokenSet> {
  const { plan, discovery, wanted } = facts;
  const { server, config, now = Date.now } = context;
  // What was registered by hand has a fixed redirect URI; a client that registers itself takes any free port.
  const ports =
    plan.kind === 'pre-registered' ? [config.callbackPort] : [portOf(plan) ?? config.callbackPort, 0];
  return withCallbackServer(ports, context, async (callbackServer) => {
    const { redirectUri } = callbackServer;
    const client = await clientFor(facts, redirectUri, config);
    const oauthClient = createOAuthClient(discovery.authorizationServer, client, facts.tools.fetch);
    const request = await createAuthorizationRequest(oauthClient, {
      redirectUri,
      resource: discovery.resource,
      scope: scopeToRequest(discovery, client, wanted),
      extra: config.authorizeParameters,
    });
    const response = await askUser(callbackServer, request, context);
    try {
      const tokens = await exchangeCode(oauthClient, { ...request, server, responseUrl: response.url, now });
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
async function onAnotherDevice(facts: Facts, context: AuthorizationContext): Promise<TokenSet> {
  const { discovery, plan } = facts;
  const { server, config, log, notice, pending, signal, now = Date.now } = context;
  const { issuer, device_authorization_endpoint: endpoint } = discovery.authorizationServer;
  if (endpoint === undefined) throw errors.deviceGrantUnsupported(issuer);
  const client = await clientFor(
    facts,
    new URL(`http://${config.host}:${config.callbackPort}${config.callbackPath}`),
    config,
  );
  const oauthClient = createOAuthClient(discovery.authorizationServer, client, facts.tools.fetch);
  const tokens = await requestByDevice(oauthClient, {
    server,
    resource: discovery.resource,
    scope: scopeToRequest(discovery, client, facts.wanted),
    now,
    signal: AbortSignal.any([signal, timeoutOf(config.signInTimeout, server)]),
    present: async (device) => {
      const page = facts.tools.policy(
        'verification page',
        device.verification_uri_complete ?? device.verification_uri,
      );
      await pending.begin(page);
      notice.show(page);
      log.notice(`if you are asked for a code, it is ${device.user_code}`);
    },
  });
  return withClient(tokens, plan, client);
}

async function withoutUser(
  facts: Facts,
  { config, now = Date.now }: AuthorizationContext,
): Promise<TokenSet> {
  const { discovery, plan } = facts;
  if (plan.kind !== 'pre-registered') throw errors.clientNotRegistered(discovery.authorizationServer.issuer);
  const authorizationServer: ServerMetadata =
    config.tokenEndpoint === undefined
      ? discovery.authorizationServer
      : { ...discovery.authorizationServer, token_endpoint: config.tokenEndpoint.href };
  const oauthClient = createOAuthClient(authorizationServer, plan.client, facts.tools.fetch);
  return requestByClientCredentials(oauthClient, {
    resource: discovery.resource,
    scope: scopeToRequest(discovery, plan.client, facts.wanted),
    now,
  });
}

/** Refreshes at the authorization server that issued the tokens; undefined when the grant is gone. */
export async function refreshTokens(
  tokens: TokenSet,
  context: AuthorizationContext,
): Promise<TokenSet | undefined> {
  const { oauthClient } = await clientOf(tokens, context);
  return refresh(oauthClient, tokens, context.now ?? Date.now);
}

/** Ends a sign-in at its authorization server: the grant, and a registration that was made for it. */
export async function endSignIn(
  tokens: TokenSet,
  context: AuthorizationContext,
): Promise<readonly Outcome[]> {
  try {
    const { oauthClient, fetch } = await clientOf(tokens, context);
    const outcomes = [await revoke(oauthClient, tokens, fetch), await deleteRegistration(tokens, fetch)];
    return outcomes.filter((outcome) => outcome !== undefined);
  } catch (error) {
    if (error instanceof ProxyError) return [{ done: false, why: error.message }];
    throw error;
  }
}

async function clientOf(
  tokens: TokenSet,
  context: AuthorizationContext,
): Promise<{ oauthClient: Configuration; fetch: Tools['fetch'] }> {
  const tools = networkTools(context);
  const client = context.config.client ?? tokens.client;
  if (client === undefined) throw errors.clientNotRegistered(tokens.issuer);
  const authorizationServer = await discoverIssuer(tokens.issuer, context.server, tools);
  return { oauthClient: createOAuthClient(authorizationServer, client, tools.fetch), fetch: tools.fetch };
}

async function clientFor(
  { plan, discovery, wanted, tools }: Facts,
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

function withSettings(discovery: Discovery, config: AuthorizationContext['config']): Discovery {
  return {
    ...discovery,
    resource: config.withoutResource ? undefined : (config.resource ?? discovery.resource),
  };
}

function networkTools({ server, config, signal, ...context }: AuthorizationContext): Tools {
  const policy = createEndpointPolicy(server, config.allowHttp);
  return { policy, fetch: createBoundedFetch(policy, context.fetch ?? fetch, signal) };
}

function timeoutOf(milliseconds: number, server: URL): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => {
    controller.abort(errors.signInTimeout(server, milliseconds));
  }, milliseconds).unref();
  return controller.signal;
}
