import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorize, refreshTokens, type AuthorizationContext } from '../../src/authorization/authorize.ts';
import { PendingSignIn } from '../../src/authorization/pending-sign-in.ts';
import { Endpoint } from '../../src/http/endpoint.ts';
import { createExchange, type HttpResponse } from '../../src/http/exchange.ts';
import { SignInNotice } from '../../src/sign-in-notice.ts';
import { StateFolder } from '../../src/state-folder.ts';
import type { TokenSet } from '../../src/token-store/token-store.ts';
import { refusalOf } from '../support/failure.ts';
import { FormBrowser } from '../support/form-browser.ts';
import { documentServer, freePort } from '../support/loopback-server.ts';
import { networkSettings } from '../support/network-settings.ts';
import { startOidcProvider } from '../support/oidc-provider.ts';
import { proofKey, thumbprintOf } from '../support/proofs.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { readCredentialIn, signInSettings } from '../support/sign-in-settings.ts';
import { readJwt } from '../support/signed-jwt.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { textOf } from '../support/ways.ts';

let issuer = '';
let stop = (): Promise<void> => Promise.resolve();

beforeAll(async () => {
  ({ issuer, stop } = await startOidcProvider('nonces'));
});
afterAll(() => stop());

/** A server that takes only bound tokens of oidc-provider, and a user with a browser. */
async function scene(settings: Partial<AuthorizationContext['config']> = {}) {
  const server = await documentServer((origin) => ({
    '/.well-known/oauth-protected-resource/jwt': {
      resource: `${origin}/jwt`,
      authorization_servers: [issuer],
      scopes_supported: ['openid', 'get_name'],
      dpop_bound_access_tokens_required: true,
    },
  }));
  const url = new URL('/jwt', server.url);
  const folder = new StateFolder(await temporaryFolder());
  const browser = new FormBrowser({ login: 'me@example.com', password: 'any' });
  const log = recordedLog();
  const context: AuthorizationContext = {
    server: url,
    readCredential: readCredentialIn({}),
    config: signInSettings({ callbackPort: await freePort(), ...settings }),
    folder,
    pending: new PendingSignIn(folder, url.href),
    notice: new SignInNotice(url, log.log),
    log: log.log,
    openBrowser: browser.open,
    signal: new AbortController().signal,
  };
  return { browser, context };
}

/** Asks oidc-provider's own protected resource who the user is. */
function askWho({ accessToken, proofKey: key }: TokenSet): Promise<HttpResponse> {
  const endpoint = new Endpoint(new URL('/me', issuer), {
    exchange: createExchange(networkSettings, {}),
    tokens: {
      token: () => Promise.resolve(accessToken),
      proofKey: () => key,
      onUnauthorized: () => Promise.reject(new Error('the token was refused')),
      onInsufficientScope: () => Promise.resolve(),
      onAccepted: () => undefined,
    },
    headers: () => Promise.resolve([]),
    log: recordedLog().log,
  });
  return endpoint.send({ method: 'GET', headers: {}, signal: new AbortController().signal });
}

describe('oidc-provider with DPoP and nonces', () => {
  it('binds a token to the key, and keeps to it when it refreshes', async () => {
    const { context } = await scene();
    const tokens = await authorize({}, undefined, context);
    const jkt = thumbprintOf({ ...tokens.proofKey });
    expect(tokens.tokenType).toBe('DPoP');
    expect(readJwt(tokens.accessToken).claims['cnf']).toEqual({ jkt });
    const renewed = await refreshTokens(tokens, context);
    expect(renewed?.proofKey).toEqual(tokens.proofKey);
    expect(readJwt(renewed?.accessToken ?? '').claims['cnf']).toEqual({ jkt });
    // Nobody else can refresh.
    const stolen = { ...(renewed ?? tokens), proofKey: proofKey() };
    expect(await refreshTokens(stolen, context)).toBeUndefined();
  });

  it('lets in who proves that the key is theirs, and nobody else', async () => {
    const { context } = await scene({ withoutResource: true });
    const tokens = await authorize({}, undefined, context);
    const response = await askWho(tokens);
    expect(response.status).toBe(200);
    expect(JSON.parse(await textOf(response))).toMatchObject({ sub: 'me@example.com' });
    await expect(askWho({ ...tokens, proofKey: proofKey() })).rejects.toThrow('the token was refused');
    await expect(askWho({ ...tokens, proofKey: undefined })).rejects.toThrow('the token was refused');
  });

  it('binds a code to the key that the authorization request names', async () => {
    const { context, browser } = await scene();
    const open: AuthorizationContext['openBrowser'] = (url) => {
      // What an attacker could do who makes the user follow another address.
      url.searchParams.set('dpop_jkt', thumbprintOf({ ...proofKey() }));
      return browser.open(url);
    };
    const refusal = await refusalOf(() => authorize({}, undefined, { ...context, openBrowser: open }));
    expect(refusal.code).toBe('token-request-failed');
    expect(refusal.message).toContain('invalid_grant');
  });
});
