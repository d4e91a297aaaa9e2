import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { authorize, refreshTokens } from '../../src/authorization/authorize.ts';
import { scene } from '../support/authorization-scene.ts';
import { noBrowser } from '../support/browser.ts';
import { refusalOf } from '../support/failure.ts';
import { freePort, isFree } from '../support/loopback-server.ts';

describe('authorize, where clients register themselves', () => {
  const itself = { client: undefined };

  it('registers with the redirect URI that it then uses, and keeps the client with its tokens', async () => {
    const { provider, browser, context } = await scene({ registers: true }, {}, itself);
    const { client } = await authorize({}, undefined, context);
    const redirectUri = `http://localhost:${context.config.callbackPort}/oauth/callback`;
    const [registration] = provider.registrations();
    expect(registration).toMatchObject({
      redirect_uris: [redirectUri],
      scope: 'openid get_name offline_access',
    });
    expect(browser.opened[0]?.searchParams.get('redirect_uri')).toBe(redirectUri);
    expect(browser.opened[0]?.searchParams.get('client_id')).toBe(client?.clientId);
    expect(client).toEqual({
      clientId: expect.stringMatching(/^dynamic-/u) as string,
      authenticationMethod: 'none',
      registration: {
        redirectUri,
        scope: 'openid get_name offline_access',
        clientUri: `${provider.issuer}/register/${client?.clientId ?? ''}`,
        accessToken: expect.stringMatching(/^registration-/u) as string,
      },
    });
  });

  it('gets and keeps a secret where the server takes no public clients, and refreshes with it', async () => {
    const secretOnly = { token_endpoint_auth_methods_supported: ['client_secret_post'] };
    const { provider, log, context } = await scene(
      { registers: true, metadata: (correct) => ({ ...correct, ...secretOnly }) },
      {},
      itself,
    );
    const tokens = await authorize({}, undefined, context);
    const secret = tokens.client?.clientSecret ?? '';
    expect(secret).toMatch(/^secret /u);
    expect((await refreshTokens(tokens, context))?.client).toEqual(tokens.client);
    const forms = provider.tokenRequests();
    expect(forms.map((form) => form.get('client_secret'))).toEqual([secret, secret]);
    expect(log.text()).not.toContain(secret);
    expect(log.text()).not.toContain(tokens.client?.registration?.accessToken);
  });

  it('uses an earlier registration again while the redirect URI is the same', async () => {
    const { provider, context } = await scene({ registers: true }, {}, itself);
    const first = await authorize({}, undefined, context);
    const second = await authorize({}, first, context);
    expect(second.client).toEqual(first.client);
    expect(provider.registrations()).toHaveLength(1);
  });

  it('registers anew for a step-up that asks for more than was registered, and only then', async () => {
    const { provider, context } = await scene({ registers: true }, {}, itself);
    const first = await authorize({}, undefined, context);
    const same = await authorize({ stepUp: true, scope: 'get_name' }, first, context);
    expect(same.client).toEqual(first.client);
    const more = await authorize({ stepUp: true, scope: 'admin' }, first, context);
    expect(more.client?.clientId).not.toBe(first.client?.clientId);
    expect(more.client?.registration?.scope).toBe('openid get_name offline_access admin');
    expect(provider.registrations()).toHaveLength(2);
  });

  it('prefers the port of its registration to that of the command line', async () => {
    const { provider, browser, context } = await scene({ registers: true }, {}, itself);
    const first = await authorize({}, undefined, context);
    const config = { ...context.config, callbackPort: await freePort() };
    await authorize({}, first, { ...context, config });
    expect(provider.registrations()).toHaveLength(1);
    expect(browser.opened.map((url) => url.searchParams.get('redirect_uri'))).toEqual([
      first.client?.registration?.redirectUri,
      first.client?.registration?.redirectUri,
    ]);
  });

  it('registers anew with another port when that one is taken', async () => {
    const { provider, browser, context } = await scene({ registers: true }, {}, itself);
    const first = await authorize({}, undefined, context);
    const squatter = createServer().listen(context.config.callbackPort, '127.0.0.1');
    await once(squatter, 'listening');
    onTestFinished(() => void squatter.close());
    const second = await authorize({}, first, context);
    expect(second.client?.clientId).not.toBe(first.client?.clientId);
    const [, redirectUri] = browser.opened.map((url) => url.searchParams.get('redirect_uri'));
    expect(redirectUri).toBe(second.client?.registration?.redirectUri);
    expect(redirectUri).not.toBe(first.client?.registration?.redirectUri);
    expect(provider.registrations()).toHaveLength(2);
  });

  it('never uses a registration or refresh token at another authorization server', async () => {
    const old = await scene({ registers: true }, {}, itself);
    const before = await authorize({}, undefined, old.context);
    const { provider, context } = await scene({ registers: true }, {}, itself);
    const after = await authorize({}, before, context);
    expect(after.client?.clientId).not.toBe(before.client?.clientId);
    expect(after.issuer).toBe(provider.issuer);
    const sent = provider.requests.map(({ path, body, headers }) => JSON.stringify([path, body, headers]));
    for (const secret of [before.client?.clientId, before.refreshToken, before.accessToken]) {
      expect(sent.join('\n')).not.toContain(secret);
    }
  });

  it('asks for the scope that the command line pins, the second time too', async () => {
    const { provider, browser, context } = await scene(
      { registers: true },
      {},
      { ...itself, clientMetadata: { scope: 'openid' } },
    );
    const first = await authorize({ scope: 'everything' }, undefined, context);
    await authorize({ scope: 'everything' }, first, context);
    expect(provider.registrations()).toMatchObject([{ scope: 'openid' }]);
    expect(browser.opened.map((url) => url.searchParams.get('scope'))).toEqual(['openid', 'openid']);
  });

  it('opens no browser when it is not let in', async () => {
    const content = { error: 'invalid_redirect_uri', error_description: 'Only https' };
    const { context } = await scene(
      { registers: true, registration: () => ({ status: 400, content }) },
      { openBrowser: noBrowser() },
      itself,
    );
    const { code, message } = await refusalOf(() => authorize({}, undefined, context));
    expect(code).toBe('registration-rejected');
    expect(message).toContain('Only https');
    expect(await isFree(context.config.callbackPort, '127.0.0.1')).toBe(true);
  });
});

describe('authorize, with a client id metadata document', () => {
  const document = new URL('https://client.example.com/keyhole.json');

  it('uses its URL as client id, registers nowhere, and takes any free port', async () => {
    const { provider, browser, context } = await scene(
      {
        registers: true,
        metadata: (correct) => ({ ...correct, client_id_metadata_document_supported: true }),
      },
      {},
      { client: undefined, clientMetadataUrl: document },
    );
    provider.clients.add({ id: document.href, authentication: 'none' });
    const squatter = createServer().listen(context.config.callbackPort, '127.0.0.1');
    await once(squatter, 'listening');
    onTestFinished(() => void squatter.close());
    const tokens = await authorize({}, undefined, context);
    expect(tokens.client).toEqual({ clientId: document.href });
    expect(browser.opened[0]?.searchParams.get('client_id')).toBe(document.href);
    expect(provider.registrations()).toEqual([]);
    expect((await refreshTokens(tokens, context))?.accessToken).toMatch(/^access-/u);
  });
});

describe('authorize, at a server of MCP 2025-03-26', () => {
  it.each(['authorization server', 'nothing'] as const)(
    'that publishes %s in place of resource metadata names no resource',
    async (publishes) => {
      const { provider, browser, context } = await scene(
        {
          publishes,
          registers: true,
          redirect: (url) => {
            url.searchParams.delete('iss');
          },
          metadata: withoutIss,
        },
        {},
        { client: undefined },
      );
      const tokens = await authorize({ scope: 'openid get_name' }, undefined, context);
      expect(tokens.resource).toBeUndefined();
      expect(tokens.issuer).toBe(provider.issuer);
      expect(browser.opened[0]?.searchParams.has('resource')).toBe(false);
      expect(provider.tokenRequests()[0]?.has('resource')).toBe(false);
      expect((await refreshTokens(tokens, context))?.accessToken).toMatch(/^access-/u);
      expect(provider.tokenRequests()[1]?.has('resource')).toBe(false);
    },
  );
});

function withoutIss(correct: Record<string, unknown>): Record<string, unknown> {
  return { ...correct, authorization_response_iss_parameter_supported: undefined };
}
