import type { Log } from '@mcp-keyhole/cli-kit';
import type { AuthorizationContext } from './authorization/authorize.ts';
import { PendingSignIn } from './authorization/pending-sign-in.ts';
import type { Outcome } from './authorization/revocation.ts';
import type { Discovery } from './authorization/types.ts';
import { createOpenBrowser } from './authorization/browser.ts';
import { BearerToken } from './bearer-token.ts';
import {
  createHttpTransport,
  type HttpOptions,
  type ServerTransport,
  type TokenChallenge,
} from './bridge/http.ts';
import { fetchWith, needsSecret, withSecrets } from './header-secrets.ts';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { ProxyConfig } from './config.ts';
import { createFetch } from './network.ts';
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
  readonly bearerToken: BearerToken;
  /** The server's side, with the bearer token on every request. */
  readonly http: StreamableHTTPClientTransport;
  /** The same for servers of 2024-11-05. */
  readonly openEventStream: () => Promise<ServerTransport>;
  /** How requests are sent, the token apart. */
  readonly httpOptions: Omit<HttpOptions, 'tokens'>;
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
  const networkFetch = createFetch(config, config.environment);
  const context: AuthorizationContext = {
    server,
    config,
    folder,
    pending,
    log,
    signal,
    openBrowser: createOpenBrowser(config.environment, log, !config.noBrowser),
    fetch: networkFetch,
  };
  const openStore = once(() => openTokenStore(config, folder, log, key));
  // Loaded when it is needed: most starts find a token that is still good.
  const road = () => import('./authorization/authorize.ts');
  const bearerToken = new BearerToken({
    ...context,
    key,
    openStore,
    mayBeSignedIn: async () => config.tokenStore !== 'memory' && (await new SignInIndex(folder).has(key)),
    signInTimeout: config.signInTimeout,
    useIdToken: config.useIdToken,
    authorizer: {
      authorize: async (challenge, previous) => (await road()).authorize(challenge, previous, context),
      refresh: async (tokens) => (await road()).refreshTokens(tokens, context),
    },
  });
  const headers = once(() => withSecrets(config.headers, () => openSecretsOf(config)));
  const httpOptions: Connection['httpOptions'] = {
    headers: config.headers.filter((header) => !needsSecret(header)),
    fetch: config.headers.some(needsSecret) ? fetchWith(headers, networkFetch) : networkFetch,
  };
  return {
    key,
    openStore,
    httpOptions,
    pending,
    bearerToken,
    http: createHttpTransport(server, { ...httpOptions, tokens: bearerToken }),
    openEventStream: async () =>
      (await import('./bridge/sse.ts')).createEventStreamTransport(server, {
        ...httpOptions,
        tokens: bearerToken,
      }),
    discover: async (challenge) => (await road()).discoverFor(challenge, context),
    end: async (tokens) => (await road()).endSignIn(tokens, context),
  };
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
