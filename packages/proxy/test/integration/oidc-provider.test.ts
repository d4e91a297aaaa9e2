import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorize,
  endSignIn,
  refreshTokens,
  type AuthorizationContext,
} from '../../src/authorization/authorize.ts';
import { PendingSignIn } from '../../src/authorization/pending-sign-in.ts';
import { SignInNotice } from '../../src/sign-in-notice.ts';
import { StateFolder } from '../../src/state-folder.ts';
import type { TokenSet } from '../../src/token-store/token-store.ts';
import { refusalOf } from '../support/failure.ts';
import { FormBrowser } from '../support/form-browser.ts';
import { documentServer, freePort } from '../support/loopback-server.ts';
import { startOidcProvider } from '../support/oidc-provider.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { readCredentialIn, signInSettings } from '../support/sign-in-settings.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let issuer = '';
let stop = (): Promise<void> => Promise.resolve();

beforeAll(async () => {
  ({ issuer, stop } = await startOidcProvider());
});
afterAll(() => stop());

/** A protected MCP server whose authorization server is oidc-provider, and a user with a browser. */
async function scene(settings: Partial<AuthorizationContext['config']> = {}, path = '/mcp') {
  const server = await documentServer((origin) => ({
    [`/.well-known/oauth-protected-resource${path}`]: {
      resource: `${origin}${path}`,
      authorization_servers: [issuer],
      scopes_supported: ['openid', 'get_name'],
    },
  }));
  const url = new URL(path, server.url);
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
  return { url, browser, log, context };
}

/** How oidc-provider answers who reads the client's registration (RFC 7592). */
async function registrationStatus(tokens: TokenSet): Promise<number> {
  const { clientUri = '', accessToken = '' } = tokens.client?.registration ?? {};
  const response = await fetch(clientUri, { headers: { authorization: `Bearer ${accessToken}` } });
  await response.body?.cancel();
  return response.status;
}

function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<
    string,
    unknown
  >;
}

describe('oidc-provider as shipped', () => {
  it('registers the client, signs its user in by its own pages, and issues tokens', async () => {
    const { url, browser, context } = await scene();
    const tokens = await authorize({}, undefined, context);
    expect(tokens).toMatchObject({
      issuer,
      resource: url.href,
      requestedScope: 'openid get_name offline_access',
      accessToken: expect.stringMatching(/./u) as string,
      refreshToken: expect.stringMatching(/./u) as string,
    });
    // A token for a resource has the resource's scopes only.
    expect(tokens.scope).toBe('get_name');
    expect(tokens.expiresAt).toBeGreaterThan(Date.now());
    expect(tokens.client?.registration).toMatchObject({
      redirectUri: `http://localhost:${context.config.callbackPort}/oauth/callback`,
      clientUri: expect.stringContaining(`${issuer}/reg/`) as string,
    });
    expect(await registrationStatus(tokens)).toBe(200);
    const page = await browser.page();
    expect(page.text).toContain('You are signed in');
    expect(browser.visited.some(({ pathname }) => pathname.startsWith('/interaction/'))).toBe(true);
  });

  it('issues a token for the resource that was named, and for no other', async () => {
    const { url, context } = await scene({}, '/jwt');
    const tokens = await authorize({}, undefined, context);
    expect(claimsOf(tokens.accessToken)).toMatchObject({ aud: url.href, iss: issuer, scope: 'get_name' });
    const renewed = await refreshTokens(tokens, context);
    expect(claimsOf(renewed?.accessToken ?? '')).toMatchObject({ aud: url.href });
  });

  it('rotates refresh tokens: each is good once, and the old one coming again ends the grant', async () => {
    const { context } = await scene();
    const first = await authorize({}, undefined, context);
    const second = await refreshTokens(first, context);
    expect(second?.refreshToken).toMatch(/./u);
    expect(second?.refreshToken).not.toBe(first.refreshToken);
    expect(second?.client).toEqual(first.client);
    const third = await refreshTokens(second ?? first, context);
    expect(third?.accessToken).not.toBe(second?.accessToken);
    expect(await refreshTokens(first, context)).toBeUndefined();
    expect(await refreshTokens(third ?? first, context)).toBeUndefined();
  });

  it('takes the same client for the next sign-in', async () => {
    const { context } = await scene();
    const first = await authorize({}, undefined, context);
    const second = await authorize({}, first, context);
    expect(second.client).toEqual(first.client);
    expect(second.accessToken).not.toBe(first.accessToken);
  });

  it('grants more scopes to who asks for more, in addition to those of before', async () => {
    const { context } = await scene();
    const first = await authorize({}, undefined, context);
    const second = await authorize({ stepUp: true, scope: 'admin' }, first, context);
    expect(second.requestedScope).toBe('openid get_name offline_access admin');
    expect(second.scope).toBe('get_name admin');
  });

  it('revokes the grant and deletes the registration', async () => {
    const { context } = await scene();
    const tokens = await authorize({}, undefined, context);
    expect(await endSignIn(tokens, context)).toEqual([
      { done: true, how: 'revoked at the authorization server (RFC 7009)' },
      { done: true, how: 'client registration deleted (RFC 7592)' },
    ]);
    expect(await registrationStatus(tokens)).toBe(401);
  });

  it('refuses a refresh after the grant was revoked', async () => {
    const { context } = await scene();
    const { client, ...tokens } = await authorize({}, undefined, context);
    // Without the means to delete the registration, so that it is the grant that is gone.
    const { clientId } = client ?? expect.unreachable();
    const known = { ...tokens, client: { clientId } };
    expect(await endSignIn(known, context)).toMatchObject([{ done: true }]);
    expect(await refreshTokens(known, context)).toBeUndefined();
  });

  it('says that access tokens which the server can only read cannot be revoked', async () => {
    const { context } = await scene({}, '/jwt');
    const tokens = await authorize({}, undefined, context);
    expect((await endSignIn(tokens, context))[0]).toEqual({
      done: true,
      how: 'refresh token revoked (RFC 7009); the access token lasts until it ends',
    });
  });

  it('signs in on another device', async () => {
    const { url, browser, log, context } = await scene({ deviceCode: true });
    const signingIn = authorize({}, undefined, context);
    const line = await log.when(' here: ');
    const page = await browser.visit(new URL(line.split(' here: ')[1]?.trim() ?? ''));
    expect(page.text).toContain('Sign-in Success');
    const tokens = await signingIn;
    expect(tokens).toMatchObject({ issuer, resource: url.href });
    expect(tokens.refreshToken).toMatch(/./u);
    expect((await refreshTokens(tokens, context))?.accessToken).not.toBe(tokens.accessToken);
  });

  it('says in its own words why it does not register a client', async () => {
    const { context } = await scene({ clientMetadata: { token_endpoint_auth_method: 'magic' } });
    const { code, message } = await refusalOf(() => authorize({}, undefined, context));
    expect(code).toBe('registration-rejected');
    expect(message).toContain('token_endpoint_auth_method');
  });

  it('authenticates a client that has a secret', async () => {
    for (const method of ['client_secret_basic', 'client_secret_post']) {
      const { context } = await scene({ clientMetadata: { token_endpoint_auth_method: method } });
      const tokens = await authorize({}, undefined, context);
      expect(tokens.client).toMatchObject({ authenticationMethod: method });
      expect(tokens.client?.clientSecret).toMatch(/./u);
      expect((await refreshTokens(tokens, context))?.accessToken).toMatch(/./u);
    }
  });
});
