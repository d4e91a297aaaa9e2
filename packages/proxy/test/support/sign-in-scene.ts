import { authorize, refreshTokens, type AuthorizationContext } from '../../src/authorization/authorize.ts';
import type { OpenBrowser } from '../../src/authorization/browser.ts';
import { BearerToken } from '../../src/bearer-token.ts';
import { StateFolder } from '../../src/state-folder.ts';
import { MemoryTokenStore } from '../../src/token-store/memory.ts';
import type { SignInKey, TokenStore } from '../../src/token-store/token-store.ts';
import { AuthorizationServer, clientId, type Behaviour } from './authorization-server.ts';
import { Browser } from './browser.ts';
import { freePort } from './loopback-server.ts';
import { recordedLog } from './recorded-log.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A server, its authorization server, and a state folder and store that several processes share. */
export async function signInScene(behaviour: Behaviour = {}, store: TokenStore = new MemoryTokenStore()) {
  const provider = await AuthorizationServer.start(behaviour);
  const folder = await temporaryFolder();
  const browser = new Browser();
  const log = recordedLog();
  const clock = { now: Date.now() };
  const callbackPort = await freePort();
  const key: SignInKey = { server: provider.resource.href, clientId, profile: 'default' };
  /** What one process has: no more is shared between processes than the folder and the store. */
  const process = (openBrowser: OpenBrowser = browser.open): BearerToken => {
    const context: AuthorizationContext = {
      server: provider.resource,
      config: {
        client: { clientId },
        allowHttp: false,
        host: 'localhost',
        callbackPort,
        signInTimeout: 15_000,
      },
      folder: new StateFolder(folder),
      log: log.log,
      openBrowser,
      signal: new AbortController().signal,
      now: () => clock.now,
    };
    return new BearerToken({
      server: provider.resource,
      key,
      store,
      folder: context.folder,
      log: log.log,
      signInTimeout: 15_000,
      signal: context.signal,
      now: () => clock.now,
      authorizer: {
        authorize: (challenge) => authorize(challenge, context),
        refresh: (tokens) => refreshTokens(tokens, context),
      },
    });
  };
  /** Signs in by a process that ends afterwards. The token. */
  const signIn = async (): Promise<string> => {
    const bearer = process();
    await bearer.onUnauthorized(undefined, {});
    return (await bearer.token()) ?? '';
  };
  const refreshes = (): number => provider.tokenRequests('refresh_token').length;
  return { provider, browser, log, clock, key, store, process, signIn, refreshes };
}
