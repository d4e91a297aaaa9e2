import type { Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import { withDeadline } from '../deadline.ts';
import { errors, ProxyError } from '../errors.ts';
import type { StateFolder } from '../state-folder.ts';
import type { TokenSet } from '../token-store/token-store.ts';
import { createAuthorizationRequest } from './authorization-request.ts';
import { createBoundedFetch } from './bounded-fetch.ts';
import type { OpenBrowser } from './browser.ts';
import { openCallbackServer, type CallbackServer } from './callback-server.ts';
import { registeredClient } from './client-registration.ts';
import { discover, discoverAuthorizationServer } from './discovery.ts';
import { createEndpointPolicy } from './endpoint-policy.ts';
import { createOAuthClient } from './oauth-client.ts';
import { exchangeCode, refresh } from './token-request.ts';
import type { Challenge } from './types.ts';

/** What the sign-in at one MCP server needs. */
export interface AuthorizationContext {
  readonly server: URL;
  readonly config: Pick<ProxyConfig, 'client' | 'allowHttp' | 'host' | 'callbackPort' | 'signInTimeout'>;
  readonly folder: StateFolder;
  readonly log: Log;
  readonly openBrowser: OpenBrowser;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
  /** Default: the global fetch. */
  readonly fetch?: typeof fetch;
  /** Milliseconds since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

/** The road from a 401 to tokens: discovery, client, request, browser, response, tokens. */
export async function authorize(challenge: Challenge, context: AuthorizationContext): Promise<TokenSet> {
  const { server, config, log, now = Date.now } = context;
  const tools = networkTools(context);
  const discovery = await discover(server, challenge, tools);
  const client = registeredClient(config.client, discovery);
  const oauthClient = createOAuthClient(discovery.authorizationServer, client, tools.fetch);
  return atCallbackPort(context, async (callbackServer) => {
    const { redirectUri } = callbackServer;
    const request = await createAuthorizationRequest(oauthClient, {
      discovery,
      client,
      challenge,
      redirectUri,
    });
    const arrival = callbackServer.response(request.state, server);
    log.info(`sign in to ${server.href} here: ${request.url.href}`);
    await context.openBrowser(request.url);
    const response = await withDeadline(arrival, {
      milliseconds: config.signInTimeout,
      error: (milliseconds) => errors.signInTimeout(server, milliseconds),
      signal: context.signal,
    });
    try {
      const tokens = await exchangeCode(oauthClient, { ...request, server, responseUrl: response.url, now });
      await response.succeed();
      log.info(`signed in to ${server.href}`);
      return tokens;
    } catch (error) {
      if (error instanceof ProxyError) await response.fail(error);
      throw error;
    }
  });
}

/** Refreshes at the authorization server that issued the tokens; undefined when the grant is gone. */
export async function refreshTokens(
  tokens: TokenSet,
  context: AuthorizationContext,
): Promise<TokenSet | undefined> {
  const tools = networkTools(context);
  const authorizationServer = await discoverAuthorizationServer(tokens.issuer, tools);
  if (context.config.client === undefined) throw errors.clientNotRegistered(tokens.issuer);
  const oauthClient = createOAuthClient(authorizationServer, context.config.client, tools.fetch);
  return refresh(oauthClient, tokens, context.now ?? Date.now);
}

function networkTools({
  server,
  config,
  signal,
  ...context
}: AuthorizationContext): Parameters<typeof discover>[2] {
  const policy = createEndpointPolicy(server, config.allowHttp);
  return { policy, fetch: createBoundedFetch(policy, context.fetch ?? fetch, signal) };
}

/**
 * Holds the callback port while `work` runs. Redirect URIs of pre-registered clients are fixed, so sign-ins of several
 * servers take turns at it; a port that is taken although no Keyhole holds the lock belongs to another program.
 */
async function atCallbackPort<Value>(
  { config, folder, log, server, signal }: AuthorizationContext,
  work: (callbackServer: CallbackServer) => Promise<Value>,
): Promise<Value> {
  const turn = async (): Promise<Value> => {
    const callbackServer = await openCallbackServer(config.host, config.callbackPort);
    try {
      return await work(callbackServer);
    } finally {
      await callbackServer.close();
    }
  };
  return folder.locked(`callback-port-${config.callbackPort}`, turn, {
    signal,
    onWait: () => {
      log.info(
        `another sign-in is under way on port ${config.callbackPort}; the one for ${server.href} comes next`,
      );
    },
  });
}
