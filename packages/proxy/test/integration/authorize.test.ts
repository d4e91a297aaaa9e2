import { once } from 'node:events';
import { createServer } from 'node:net';
import { createLog } from '@mcp-keyhole/cli-kit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authorize, refreshTokens } from '../../src/authorization/authorize.ts';
import { errors } from '../../src/errors.ts';
import type { TokenSet } from '../../src/token-store/token-store.ts';
import { AuthorizationServer, clientId, type Behaviour } from '../support/authorization-server.ts';
import { now, scene } from '../support/authorization-scene.ts';
import { noBrowser } from '../support/browser.ts';
import { refusalOf } from '../support/failure.ts';
import { isFree, loopbackServer } from '../support/loopback-server.ts';

describe('authorize', () => {
  it('goes from a challenge to tokens, and shows the user where and that it worked', async () => {
    const { provider, browser, log, context } = await scene();
    const tokens = await authorize({ scope: 'openid get_name' }, undefined, context);
    expect(tokens).toEqual({
      accessToken: expect.stringMatching(/^access-/u) as string,
      refreshToken: expect.stringMatching(/^refresh-/u) as string,
      expiresAt: now + 3_600_000,
      scope: 'openid get_name offline_access',
      issuer: provider.issuer,
      resource: provider.resource.href,
      requestedScope: 'openid get_name offline_access',
    });
    const [page] = await browser.pages();
    expect(page?.status).toBe(200);
    expect(page?.text).toContain('You are signed in');
    expect(page?.text).toContain(provider.resource.href);
    expect(log.lines[0]).toBe(
      `mcp-keyhole: sign in to ${provider.resource.href} here: ${browser.opened[0]?.href}\n`,
    );
    expect(browser.opened).toHaveLength(1);
    expect(await isFree(context.config.callbackPort, '127.0.0.1')).toBe(true);
  });

  it('writes no code, token or verifier to the log, and the state only in the URL', async () => {
    const { provider, log, context } = await scene();
    const tokens = await authorize({}, undefined, context);
    await refreshTokens(tokens, context);
    const text = log.lines.filter((line) => !line.includes(' here: ')).join('');
    expect(provider.secrets.length).toBeGreaterThan(4);
    for (const secret of provider.secrets) expect(text).not.toContain(secret);
  });

  it('asks for exactly the scope that the client was registered with', async () => {
    const { browser, context } = await scene({}, {}, { client: { clientId, scope: 'openid get_name' } });
    const tokens = await authorize({ scope: 'everything' }, undefined, context);
    expect(browser.opened[0]?.searchParams.get('scope')).toBe('openid get_name');
    expect(tokens.scope).toBe('openid get_name');
  });

  it('needs a registered client, and opens no browser without', async () => {
    const { provider, context } = await scene({}, { openBrowser: noBrowser() }, { client: undefined });
    const { code, message } = await refusalOf(() => authorize({}, undefined, context));
    expect(code).toBe('client-not-registered');
    expect(message).toContain(provider.issuer);
  });

  it.each<[string, Behaviour, string]>([
    [
      'whose metadata has another issuer',
      { metadata: (m) => ({ ...m, issuer: 'acme.com' }) },
      'issuer-mismatch',
    ],
    [
      'without PKCE',
      { metadata: (m) => ({ ...m, code_challenge_methods_supported: ['plain'] }) },
      'pkce-unsupported',
    ],
    [
      'for another resource',
      { resourceMetadata: (m) => ({ ...m, resource: 'https://evil.example.com/mcp' }) },
      'resource-mismatch',
    ],
    [
      'on http elsewhere',
      { resourceMetadata: (m) => ({ ...m, authorization_servers: ['http://login.example.com'] }) },
      'insecure-endpoint',
    ],
  ])('opens no browser for an authorization server %s', async (_what, behaviour, code) => {
    const { context } = await scene(behaviour, { openBrowser: noBrowser() });
    expect((await refusalOf(() => authorize({}, undefined, context))).code).toBe(code);
  });

  it.each<[string, Behaviour, string]>([
    ['a denial', { denies: true }, 'sign-in-refused'],
    ['a response of another issuer', { redirect: bendIssuer }, 'sign-in-invalid'],
    ['a code that is refused', { token: () => refuse(400, 'invalid_grant') }, 'token-request-failed'],
    ['a wrong resource', { token: () => refuse(400, 'invalid_target') }, 'token-request-failed'],
    ['a token endpoint that fails', { token: () => refuse(503, 'x') }, 'token-endpoint-unavailable'],
  ])(
    'shows %s on the page and in the error, never success, and frees the port',
    async (_what, behaviour, code) => {
      const { browser, context } = await scene(behaviour);
      const error = await refusalOf(() => authorize({}, undefined, context));
      expect(error.code).toBe(code);
      const [page] = await browser.pages();
      expect(page?.status).toBe(400);
      expect(page?.text).toContain('The sign-in did not work');
      expect(page?.text).not.toContain('You are signed in');
      expect(await isFree(context.config.callbackPort, '127.0.0.1')).toBe(true);
    },
  );

  it('says of a denial what to do', async () => {
    const { context } = await scene({ denies: true });
    const { message, remedy } = await refusalOf(() => authorize({}, undefined, context));
    expect(message).toContain('consent_canceled');
    expect(remedy).toContain('allow the access');
  });

  it('ends when nobody signs in within the deadline, and frees the port', async () => {
    const { context } = await scene({ neverRedirects: true }, {}, { signInTimeout: 40 });
    const { code, remedy } = await refusalOf(() => authorize({}, undefined, context));
    expect(code).toBe('sign-in-timeout');
    expect(remedy).toContain('mcp-keyhole login');
    expect(await isFree(context.config.callbackPort, '127.0.0.1')).toBe(true);
  });

  it('ends when the program ends during the wait, and frees the port', async () => {
    const shutdown = new AbortController();
    const { browser, context } = await scene({ neverRedirects: true }, { signal: shutdown.signal });
    const waiting = refusalOf(() =>
      authorize({}, undefined, {
        ...context,
        openBrowser: async (url) => {
          await browser.open(url);
          await browser.pages();
          shutdown.abort(errors.shuttingDown());
        },
      }),
    );
    expect((await waiting).code).toBe('shutting-down');
    expect(await isFree(context.config.callbackPort, '127.0.0.1')).toBe(true);
    expect(await isFree(context.config.callbackPort, '::1')).toBe(true);
  });

  it('opens no browser when another program has the callback port', async () => {
    const { context } = await scene({}, { openBrowser: noBrowser() });
    const squatter = createServer().listen(context.config.callbackPort, '127.0.0.1');
    await once(squatter, 'listening');
    onTestFinished(() => void squatter.close());
    expect((await refusalOf(() => authorize({}, undefined, context))).code).toBe('callback-port-in-use');
  });

  it('takes turns at the callback port with the sign-ins of other servers', async () => {
    const first = await scene();
    const second = await scene({}, { folder: first.context.folder }, first.context.config);
    let later: Promise<TokenSet> | undefined;
    const one = await authorize({}, undefined, {
      ...first.context,
      openBrowser: async (url) => {
        later = authorize({}, undefined, second.context);
        await second.log.when('another sign-in is under way');
        expect(second.browser.opened).toEqual([]);
        await first.browser.open(url);
      },
    });
    const other = await later;
    expect(one.issuer).toBe(first.provider.issuer);
    expect(other?.issuer).toBe(second.provider.issuer);
  });
});

describe('the resource', () => {
  it('is the one that the command line names, in every request', async () => {
    const { provider, browser, context } = await scene({}, {}, { resource: 'urn:example:Other' });
    const tokens = await authorize({}, undefined, context);
    await refreshTokens(tokens, context);
    expect(browser.opened[0]?.searchParams.get('resource')).toBe('urn:example:Other');
    expect(provider.tokenRequests().map((form) => form.get('resource'))).toEqual([
      'urn:example:Other',
      'urn:example:Other',
    ]);
  });

  it('is left out in every request where the command line says so', async () => {
    const { provider, browser, context } = await scene({}, {}, { withoutResource: true });
    const tokens = await authorize({}, undefined, context);
    await refreshTokens(tokens, context);
    expect(browser.opened[0]?.searchParams.has('resource')).toBe(false);
    expect(provider.tokenRequests().map((form) => form.has('resource'))).toEqual([false, false]);
  });
});

describe('what the user is shown', () => {
  it('is the page that the command line names, after a sign-in that worked', async () => {
    const welcome = await loopbackServer((_request, response) => {
      response.end('Welcome');
    });
    const { browser, context } = await scene({}, {}, { successUrl: new URL('/done', welcome.url) });
    await authorize({}, undefined, context);
    expect(await browser.pages()).toMatchObject([{ url: new URL('/done', welcome.url), text: 'Welcome' }]);
  });

  it('is our own page after one that did not, whatever the command line names', async () => {
    const { browser, context } = await scene(
      { denies: true },
      {},
      { successUrl: new URL('http://localhost:1/done') },
    );
    await refusalOf(() => authorize({}, undefined, context));
    const [page] = await browser.pages();
    expect(page?.text).toContain('The sign-in did not work');
  });

  it('is the address even with --silent, and nothing else', async () => {
    const lines: string[] = [];
    const log = createLog({ program: 'mcp-keyhole', level: 'silent', write: (line) => lines.push(line) });
    const { provider, browser, context } = await scene({}, { log });
    await authorize({}, undefined, context);
    expect(lines).toEqual([
      `mcp-keyhole: sign in to ${provider.resource.href} here: ${browser.opened[0]?.href ?? ''}\n`,
    ]);
  });

  it('has the parameters that the command line adds', async () => {
    const { browser, context } = await scene({}, {}, { authorizeParameters: [['login_hint', 'me@a']] });
    await authorize({}, undefined, context);
    expect(browser.opened[0]?.searchParams.get('login_hint')).toBe('me@a');
  });
});

describe('refreshTokens', () => {
  it('goes to the issuer that issued the tokens, whatever the server says today', async () => {
    const { provider, context } = await scene();
    const tokens = await authorize({}, undefined, context);
    const elsewhere = await AuthorizationServer.start();
    provider.behaviour = {
      resourceMetadata: (correct) => ({ ...correct, authorization_servers: [elsewhere.issuer] }),
    };
    const renewed = await refreshTokens(tokens, context);
    expect(renewed?.accessToken).not.toBe(tokens.accessToken);
    expect(renewed?.refreshToken).toBe(tokens.refreshToken);
    expect(elsewhere.requests).toEqual([]);
  });

  it('takes a rotated refresh token, and finds the grant gone when the old one comes again', async () => {
    const { context } = await scene({ rotates: true });
    const tokens = await authorize({}, undefined, context);
    const renewed = await refreshTokens(tokens, context);
    expect(renewed?.refreshToken).toMatch(/^refresh-/u);
    expect(renewed?.refreshToken).not.toBe(tokens.refreshToken);
    expect(await refreshTokens(tokens, context)).toBeUndefined();
  });

  it('sends the refresh token nowhere when the issuer’s metadata has changed hands', async () => {
    const { provider, context } = await scene();
    const tokens = await authorize({}, undefined, context);
    provider.behaviour = { metadata: (correct) => ({ ...correct, issuer: 'https://evil.example.com' }) };
    expect((await refusalOf(() => refreshTokens(tokens, context))).code).toBe('issuer-mismatch');
    expect(provider.tokenRequests('refresh_token')).toEqual([]);
  });
});

function bendIssuer(redirect: URL): void {
  redirect.searchParams.set('iss', 'https://evil.example.com');
}

function refuse(status: number, error: string) {
  return { status, content: { error } };
}
