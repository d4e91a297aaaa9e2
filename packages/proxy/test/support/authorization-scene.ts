import type { AuthorizationContext } from '../../src/authorization/authorize.ts';
import { PendingSignIn } from '../../src/authorization/pending-sign-in.ts';
import { SignInNotice } from '../../src/sign-in-notice.ts';
import { StateFolder } from '../../src/state-folder.ts';
import { AuthorizationServer, clientId, type Behaviour } from './authorization-server.ts';
import { Browser } from './browser.ts';
import { freePort } from './loopback-server.ts';
import { recordedLog, type RecordedLog } from './recorded-log.ts';
import { readCredentialIn, signInSettings } from './sign-in-settings.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const now = 1_800_000_000_000;

interface Scene {
  readonly provider: AuthorizationServer;
  readonly browser: Browser;
  readonly log: RecordedLog;
  readonly context: AuthorizationContext;
}

/** A server with its authorization server, a browser, and what a sign-in there needs. */
export async function scene(
  behaviour: Behaviour = {},
  changes: Partial<AuthorizationContext> = {},
  config: Partial<AuthorizationContext['config']> = {},
): Promise<Scene> {
  const provider = await AuthorizationServer.start(behaviour);
  const browser = new Browser();
  const log = recordedLog();
  const folder = new StateFolder(await temporaryFolder());
  const context: AuthorizationContext = {
    server: provider.resource,
    readCredential: readCredentialIn({}),
    config: signInSettings({ client: { clientId }, callbackPort: await freePort(), ...config }),
    folder,
    pending: new PendingSignIn(folder, provider.resource.href),
    notice: new SignInNotice(provider.resource, changes.log ?? log.log),
    log: log.log,
    openBrowser: browser.open,
    signal: new AbortController().signal,
    now: () => now,
    ...changes,
  };
  return { provider, browser, log, context };
}
