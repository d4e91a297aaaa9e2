import type { Log } from '@mcp-keyhole/cli-kit';
import type { AuthorizationContext, Identity } from './authorization/context.ts';
import { PendingSignIn } from './authorization/pending-sign-in.ts';
import type { Outcome } from './authorization/revocation.ts';
import type { Discovery } from './authorization/types.ts';
import { createOpenBrowser } from './authorization/browser.ts';
import { BearerToken } from './bearer-token.ts';
import { EraChooser, type EraChooserContext } from './bridge/era-chooser.ts';
import { LazySide } from './bridge/lazy-side.ts';
import { createServerMemory, forgetServer, noMemory, type ServerMemory } from './bridge/remembered-server.ts';
import type { OnMessage, ServerSide } from './bridge/server-side.ts';
import type { ProxyConfig } from './config.ts';
import { createReadCredential, type ReadCredential } from './credential.ts';
import { withClientSecret, withSecrets } from './header-secrets.ts';
import { Endpoint, type EndpointDelay, type EndpointOptions, type TokenChallenge } from './http/endpoint.ts';
import { createExchange } from './http/exchange.ts';
import { Listeners } from './listeners.ts';
import { openIdentity } from './identity.ts';
import { createFetch } from './network.ts';
import { SignInNotice } from './sign-in-notice.ts';
import { StateFolder } from './state-folder.ts';
import { SignInIndex } from './token-store/index-file.ts';
import type { SecretEntry, SecretStore } from './token-store/secrets.ts';
import { openTokenStore } from './token-store/open-token-store.ts';
import {
  accountOf,
  type SignInEntry,
  type SignInKey,
  type TokenSet,
  type TokenStore,
} from './token-store/token-store.ts';

/** The parts that a run of Keyhole is put together from, for one server. */
export interface Connection {
  readonly key: SignInKey;
  readonly openStore: () => Promise<TokenStore>;
  readonly pending: PendingSignIn;
  /** Where the user has to sign in, while that is waited for. */
  readonly notice: SignInNotice;
  readonly bearerToken: BearerToken;
  /** How requests are sent, the token apart. */
  readonly endpointOptions: Omit<EndpointOptions, 'tokens'>;
  /** Told when the server cannot be reached, or puts a request off. */
  readonly delays: Listeners<EndpointDelay>;
  /** What is remembered of the server for this account. */
  readonly memory: ServerMemory;
  /** Forgets that. */
  readonly forget: () => Promise<void>;
  /** The server, with the bearer token on every request, in the era of whoever asks. */
  readonly openSide: (onMessage: OnMessage) => ServerSide;
  readonly readCredential: ReadCredential;
  /** What a sign-in would find out first. */
  readonly discover: (challenge: TokenChallenge) => Promise<Discovery>;
  /** Ends the sign-in at its authorization server. */
  readonly end: (tokens: TokenSet) => Promise<readonly Outcome[]>;
}

/** Puts the parts together. The only place that knows which store there is. */
export function openConnection(config: ProxyConfig, server: URL, log: Log, signal: AbortSignal): Connection {
  const folder = new StateFolder(config.stateFolder);
  const key: SignInKey = { server: server.href, clientId: clientIdOf(config), profile: config.profile };
  const pending = new PendingSignIn(folder, accountOf(key));
  const notice = new SignInNotice(server, log);
  const delays = new Listeners<EndpointDelay>();
  const context = {
    server,
    config,
    folder,
    pending,
    notice,
    log,
    signal,
    openBrowser: createOpenBrowser(config.environment, log, !config.noBrowser),
    readCredential: createReadCredential(config.environment, () => openSecretsOf(config)),
    fetch: createFetch(forAuthorizationServer(config), config.environment),
  };
  const openStore = once(() => openTokenStore(config, folder, log, key));
  // Loaded when it is needed: most starts find a token that is still good.
  const road = () => import('./authorization/authorize.ts');
  const identity =
    config.identityProvider === undefined
      ? undefined
      : identityAt(config.identityProvider, context, openStore);
  const ready = once(async (): Promise<AuthorizationContext> => {
    const client = await withClientSecret(config.client, () => openSecretsOf(config));
    return { ...context, config: { ...config, client }, identity };
  });
  const bearerToken = new BearerToken({
    ...context,
    key,
    openStore,
    mayBeSignedIn: () => mayBeSignedIn(config, folder, key),
    signInTimeout: config.signInTimeout,
    useIdToken: config.useIdToken,
    boundOnly: config.dpop === 'always',
    authorizer: {
      authorize: async (challenge, previous) => (await road()).authorize(challenge, previous, await ready()),
      refresh: async (tokens) => (await road()).refreshTokens(tokens, await ready()),
    },
  });
  const endpointOptions: Connection['endpointOptions'] = {
    exchange: createExchange(config, config.environment),
    headers: once(() => withSecrets(config.headers, () => openSecretsOf(config))),
    delays,
    log,
  };
  const endpoint = new Endpoint(server, { ...endpointOptions, tokens: bearerToken });
  const memory = config.noRemember ? noMemory : createServerMemory(folder, accountOf(key), log);
  return {
    key,
    openStore,
    pending,
    notice,
    bearerToken,
    endpointOptions,
    delays,
    memory,
    forget: () => forgetServer(folder, accountOf(key)),
    openSide: (onMessage) => openSide(config.transport, { endpoint, memory, onMessage, log }),
    readCredential: context.readCredential,
    discover: async (challenge) => (await road()).discoverFor(challenge, await ready()),
    end: async (tokens) => (await road()).endSignIn(tokens, await ready()),
  };
}

/** Streamable HTTP unless the user says otherwise: a server of 2024-11-05 shows only when its stream is opened. */
export function openSide(transport: ProxyConfig['transport'], context: EraChooserContext): ServerSide {
  const { endpoint, onMessage, log } = context;
  if (transport !== 'sse-only' && transport !== 'sse-first') return new EraChooser(context);
  return new LazySide(async () => {
    const { EventStreamServer } = await import('./bridge/event-stream-server.ts');
    const side = new EventStreamServer(endpoint, onMessage, log);
    if (transport === 'sse-only') return side;
    try {
      await side.open();
      return side;
    } catch (error) {
      log.debug('the server has no event stream; Streamable HTTP is used', { error: String(error) });
      await side.close();
      return new EraChooser(context);
    }
  });
}

/** What is stored where, without opening any store. */
export function listSignIns(config: ProxyConfig): Promise<readonly SignInEntry[]> {
  return new SignInIndex(new StateFolder(config.stateFolder)).list();
}

/** The store alone, for what needs no server: `status`. */
export function openStoreOf(config: ProxyConfig, log: Log): Promise<TokenStore> {
  return openTokenStore(config, new StateFolder(config.stateFolder), log, undefined);
}

/** The named secrets: in the keychain, or in files where the tokens are too. */
export async function openSecretsOf(config: ProxyConfig): Promise<SecretStore> {
  const { openSecretStore } = await import('./token-store/secrets.ts');
  return openSecretStore(config, new StateFolder(config.stateFolder));
}

/** Which secrets there are, without opening any store. */
export async function listSecrets(config: ProxyConfig): Promise<readonly SecretEntry[]> {
  const { SecretIndex } = await import('./token-store/secrets.ts');
  return new SecretIndex(new StateFolder(config.stateFolder)).list();
}

/** The sign-in at the identity provider has a key of its own, so that all servers of the company share it. */
function identityAt(
  issuer: string,
  context: AuthorizationContext & { readonly config: ProxyConfig },
  openStore: () => Promise<TokenStore>,
): Identity {
  const { config, folder } = context;
  const clientId = config.identityProviderClient?.clientId ?? '';
  const key: SignInKey = { server: new URL(issuer).href, clientId, profile: config.profile };
  return openIdentity(context, {
    key,
    openStore,
    mayBeSignedIn: () => mayBeSignedIn(config, folder, key),
    pending: new PendingSignIn(folder, accountOf(key)),
  });
}

async function mayBeSignedIn(config: ProxyConfig, folder: StateFolder, key: SignInKey): Promise<boolean> {
  return config.tokenStore !== 'memory' && (await new SignInIndex(folder).has(key));
}

/** The certificate that the authorization server sees, where it is not that which the MCP server does (RFC 8705). */
function forAuthorizationServer(config: ProxyConfig): ProxyConfig {
  const { tokenEndpointCert, tokenEndpointKey } = config;
  if (tokenEndpointCert === undefined) return config;
  return { ...config, cert: tokenEndpointCert, key: tokenEndpointKey };
}

/** The client that the configuration names; empty when Keyhole registers itself. */
function clientIdOf({ client, clientMetadataUrl }: ProxyConfig): string {
  return client?.clientId ?? clientMetadataUrl?.href ?? '';
}

/** Opens at the first call and keeps the result; a failure is tried again. */
function once<Value>(open: () => Promise<Value>): () => Promise<Value> {
  let opened: Promise<Value> | undefined;
  return () => {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
}
