import type { Log } from '@mcp-keyhole/cli-kit';
import type { AuthorizationContext } from './authorization/authorize.ts';
import { createOpenBrowser } from './authorization/browser.ts';
import { BearerToken } from './bearer-token.ts';
import { createHttpTransport } from './bridge/http.ts';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { ProxyConfig } from './config.ts';
import { StateFolder } from './state-folder.ts';
import { MemoryTokenStore } from './token-store/memory.ts';
import { openTokenStore } from './token-store/open-token-store.ts';
import type { SignInKey, TokenStore } from './token-store/token-store.ts';

/** The parts that a run of Keyhole is put together from, for one server. */
export interface Connection {
  readonly key: SignInKey;
  readonly store: TokenStore;
  readonly bearerToken: BearerToken;
  /** The server's side, with the bearer token on every request. */
  readonly http: StreamableHTTPClientTransport;
}

/** Puts the parts together. The only place that knows which store there is. */
export async function openConnection(
  config: ProxyConfig,
  server: URL,
  log: Log,
  signal: AbortSignal,
): Promise<Connection> {
  const folder = new StateFolder(config.stateFolder);
  const key: SignInKey = { server: server.href, clientId: config.client?.clientId ?? '', profile: 'default' };
  // Without a client nobody can have signed in: no reason to ask the keychain, or to complain that there is none.
  const store =
    config.client === undefined
      ? new MemoryTokenStore()
      : await openTokenStore(config.tokenStore, folder, log, key);
  const context: AuthorizationContext = {
    server,
    config,
    folder,
    log,
    signal,
    openBrowser: createOpenBrowser(config.environment, log),
  };
  const bearerToken = new BearerToken({
    server,
    key,
    store,
    folder,
    log,
    signal,
    signInTimeout: config.signInTimeout,
    // Loaded when it is needed: most starts find a token that is still good.
    authorizer: {
      authorize: async (challenge) =>
        (await import('./authorization/authorize.ts')).authorize(challenge, context),
      refresh: async (tokens) =>
        (await import('./authorization/authorize.ts')).refreshTokens(tokens, context),
    },
  });
  return {
    key,
    store,
    bearerToken,
    http: createHttpTransport(server, { tokens: bearerToken, headers: config.headers }),
  };
}

/** The store alone, for what needs no server: `status` and `logout`. */
export async function openStore(config: ProxyConfig, log: Log): Promise<TokenStore> {
  return openTokenStore(config.tokenStore, new StateFolder(config.stateFolder), log, undefined);
}
