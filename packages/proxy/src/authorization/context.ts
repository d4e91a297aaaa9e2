import type { Log } from '@mcp-keyhole/cli-kit';
import type { ProxyConfig } from '../config.ts';
import type { ReadCredential } from '../credential.ts';
import { errors } from '../errors.ts';
import { ServerClocks } from '../http/server-clocks.ts';
import type { SignInNotice } from '../sign-in-notice.ts';
import type { StateFolder } from '../state-folder.ts';
import type { Binding } from './binding.ts';
import { createBoundedFetch } from './bounded-fetch.ts';
import type { OpenBrowser } from './browser.ts';
import type { ClientPlan } from './client-registration.ts';
import { createEndpointPolicy, type EndpointPolicy } from './endpoint-policy.ts';
import type { PendingSignIn } from './pending-sign-in.ts';
import type { BoundedFetch, Challenge, Discovery } from './types.ts';

/** What the sign-in at one MCP server needs. */
export interface AuthorizationContext {
  readonly server: URL;
  readonly config: Pick<
    ProxyConfig,
    | 'client'
    | 'clientMetadata'
    | 'clientMetadataUrl'
    | 'clientCredentials'
    | 'clientKey'
    | 'clientKeyId'
    | 'clientAssertionAudience'
    | 'clientAuthentication'
    | 'dpop'
    | 'tokenEndpointCert'
    | 'workloadToken'
    | 'identityProvider'
    | 'identityProviderClient'
    | 'identityToken'
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
    | 'environment'
  >;
  readonly folder: StateFolder;
  readonly pending: PendingSignIn;
  readonly notice: SignInNotice;
  readonly log: Log;
  readonly openBrowser: OpenBrowser;
  readonly readCredential: ReadCredential;
  /** Who the user is for the company's identity provider; there when that decides who may use the server. */
  readonly identity?: Identity | undefined;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
  /** Default: the global fetch. */
  readonly fetch?: typeof fetch;
  /** Milliseconds since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

/** ID tokens of the user. */
export interface Identity {
  /** One that is good as far as is known; may sign the user in. */
  readonly current: () => Promise<string>;
  /** Another one than that which was refused, or the same when there is no other. */
  readonly renewed: (refused: string) => Promise<string>;
}

/**
 * The same at the identity provider, where another client is known, and nothing of the MCP server's. The provider is named
 * by the user, so that it may be in a private network wherever the server is.
 */
export function atIdentityProvider(context: AuthorizationContext): AuthorizationContext {
  const { identityProvider = '', identityProviderClient } = context.config;
  return {
    ...context,
    server: new URL(identityProvider),
    config: {
      ...context.config,
      client: identityProviderClient,
      clientMetadata: undefined,
      clientMetadataUrl: undefined,
      clientKey: undefined,
      clientKeyId: undefined,
      clientAuthentication: undefined,
      tokenEndpointCert: undefined,
    },
  };
}

/** How the addresses that servers name are reached. */
export interface NetworkTools {
  readonly policy: EndpointPolicy;
  /** Notes the clocks of those who answer. */
  readonly fetch: BoundedFetch;
  readonly clocks: ServerClocks;
}

/** What is known when a grant is asked for. */
export interface GrantFacts {
  readonly plan: ClientPlan;
  readonly discovery: Discovery;
  readonly wanted: Challenge;
  /** Absent for bearer tokens. */
  readonly binding?: Binding | undefined;
  readonly tools: NetworkTools;
}

export function networkTools({ server, config, signal, ...context }: AuthorizationContext): NetworkTools {
  const policy = createEndpointPolicy(server, config.allowHttp);
  const bounded = createBoundedFetch(policy, context.fetch ?? fetch, signal);
  const clocks = new ServerClocks();
  return {
    policy,
    clocks,
    fetch: async (url, init) => {
      const response = await bounded(url, init);
      const [date, age] = ['date', 'age'].map((name) => response.headers.get(name) ?? undefined);
      clocks.note(url, { date, age });
      return response;
    },
  };
}

/** Ends when a sign-in has taken too long. */
export function timeoutOf(milliseconds: number, server: URL): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => {
    controller.abort(errors.signInTimeout(server, milliseconds));
  }, milliseconds).unref();
  return controller.signal;
}
