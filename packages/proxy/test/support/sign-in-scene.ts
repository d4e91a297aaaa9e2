import { authorize, refreshTokens, type AuthorizationContext } from '../../src/authorization/authorize.ts';
import type { OpenBrowser } from '../../src/authorization/browser.ts';
import { PendingSignIn } from '../../src/authorization/pending-sign-in.ts';
import { BearerToken, type BearerTokenContext } from '../../src/bearer-token.ts';
import { SignInNotice } from '../../src/sign-in-notice.ts';
import { StateFolder } from '../../src/state-folder.ts';
import { MemoryTokenStore } from '../../src/token-store/memory.ts';
import { accountOf, type SignInKey, type TokenStore } from '../../src/token-store/token-store.ts';
import { AuthorizationServer, clientId, type Behaviour } from './authorization-server.ts';
import { Browser } from './browser.ts';
import { freePort } from './loopback-server.ts';
import { recordedLog } from './recorded-log.ts';
import { readCredentialIn, signInSettings } from './sign-in-settings.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A server, its authorization server, and a state folder and store that several processes share. */
export async function signInScene(
  behaviour: Behaviour = {},
  settings: Partial<AuthorizationContext['config']> = {},
  store: TokenStore = new MemoryTokenStore(),
) {
  const provider = await AuthorizationServer.start(behaviour);
  const folder = await temporaryFolder();
  const browser = new Browser();
  const log = recordedLog();
  const clock = { now: Date.now() };
  const callbackPort = await freePort();
  const client = 'client' in settings ? settings.client : { clientId };
  const key: SignInKey = {
    server: provider.resource.href,
    clientId: client?.clientId ?? '',
    profile: 'default',
  };
  const pending = (): PendingSignIn => new PendingSignIn(new StateFolder(folder), accountOf(key));
  /** What one process has: no more is shared between processes than the folder and the store. */
  const process = (
    openBrowser: OpenBrowser = browser.open,
    own: Partial<BearerTokenContext> = {},
  ): BearerToken => {
    const context: AuthorizationContext = {
      server: provider.resource,
      readCredential: readCredentialIn(settings.environment ?? {}),
      config: signInSettings({ client, callbackPort, ...settings }),
      folder: new StateFolder(folder),
      pending: pending(),
      notice: new SignInNotice(provider.resource, own.log ?? log.log),
      log: own.log ?? log.log,
      openBrowser,
      signal: own.signal ?? new AbortController().signal,
      now: () => clock.now,
    };
    return new BearerToken({
      ...context,
      key,
      openStore: () => Promise.resolve(store),
      mayBeSignedIn: () => Promise.resolve(true),
      signInTimeout: context.config.signInTimeout,
      authorizer: {
        authorize: (challenge, previous) => authorize(challenge, previous, context),
        refresh: (tokens) => refreshTokens(tokens, context),
      },
      ...own,
    });
  };
  /** Signs in by a process that ends afterwards. The token. */
  const signIn = async (): Promise<string> => {
    const bearer = process();
    await bearer.onUnauthorized(undefined, {});
    return (await bearer.token()) ?? '';
  };
  const refreshes = (): number => provider.tokenRequests('refresh_token').length;
  return {
    provider,
    browser,
    log,
    clock,
    key,
    store,
    folder,
    callbackPort,
    pending,
    process,
    signIn,
    refreshes,
  };
}
