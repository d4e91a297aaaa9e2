import { describe, expect, it } from 'vitest';
import type { PreRegisteredClient } from '../../src/option-values.ts';
import { bridgedHost } from '../support/bridged-host.ts';
import { noBrowser } from '../support/browser.ts';
import type { Client } from '../support/client-register.ts';
import { refusalOf } from '../support/failure.ts';
import { signInScene } from '../support/sign-in-scene.ts';

const service: PreRegisteredClient = { clientId: 'service-1', clientSecret: 'a secret: with+%signs' };

async function serviceScene(
  authentication: Client['authentication'] = 'client_secret_basic',
  settings: Parameters<typeof signInScene>[1] = {},
) {
  const methods = { token_endpoint_auth_methods_supported: [authentication] };
  const scene = await signInScene(
    { metadata: (correct) => ({ ...correct, ...methods }) },
    { clientCredentials: true, client: service, ...settings },
  );
  scene.provider.clients.add({ id: 'service-1', secret: service.clientSecret, authentication });
  return { ...scene, process: () => scene.process(noBrowser()) };
}

describe('client credentials', () => {
  it.each(['client_secret_basic', 'client_secret_post'] as const)(
    'get a token without anybody, authenticated with %s',
    async (authentication) => {
      const { provider, process } = await serviceScene(authentication);
      const host = bridgedHost(provider.resource, { tokens: process() });
      expect((await host.request(1, 'tools/list')).result).toEqual({ method: 'tools/list' });
      const [request] = provider.requestsTo('/token');
      const form = Object.fromEntries(new URLSearchParams(request?.body));
      expect(form).toMatchObject({
        grant_type: 'client_credentials',
        scope: 'openid get_name offline_access',
        resource: provider.resource.href,
      });
      expect(form['client_secret']).toBe(
        authentication === 'client_secret_post' ? service.clientSecret : undefined,
      );
      expect(provider.requestsTo('/authorize')).toEqual([]);
    },
  );

  it('get a new token when the old one has ended, without anybody', async () => {
    const { provider, process, clock } = await serviceScene();
    const host = bridgedHost(provider.resource, { tokens: process() });
    await host.request(1, 'tools/list');
    clock.now += 3_600_000;
    provider.expireAccessTokens();
    expect((await host.request(2, 'tools/list')).result).toEqual({ method: 'tools/list' });
    expect(provider.tokenRequests('client_credentials')).toHaveLength(2);
  });

  it('go to the token endpoint of the command line', async () => {
    const { provider, process, settings } = await tokenEndpointScene();
    await process().onUnauthorized(undefined, {});
    expect(settings.tokenEndpoint.origin).toBe(provider.issuer);
    expect(provider.tokenRequests('client_credentials')).toHaveLength(1);
  });

  it('that are wrong are an error that says so', async () => {
    const { provider, process } = await serviceScene();
    provider.clients.add({ id: 'service-1', secret: 'another', authentication: 'client_secret_basic' });
    const { code, remedy } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('token-request-failed');
    expect(remedy).toContain('Check client_id and client_secret');
  });

  it('need a client registered by hand', async () => {
    const { process, provider } = await serviceScene('client_secret_basic', { client: undefined });
    provider.behaviour = { registers: true };
    const { code } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('client-not-registered');
    expect(provider.registrations()).toEqual([]);
  });

  it('are never in the log', async () => {
    const { process, log } = await serviceScene('client_secret_post');
    await process().onUnauthorized(undefined, {});
    expect(log.text()).not.toContain(service.clientSecret);
    expect(log.text()).not.toContain('access-');
  });
});

/** Its metadata name a token endpoint that does not exist. */
async function tokenEndpointScene() {
  const settings = { tokenEndpoint: new URL('http://localhost/') };
  const scene = await serviceScene('client_secret_basic', settings);
  settings.tokenEndpoint.href = `${scene.provider.issuer}/token`;
  const { metadata } = scene.provider.behaviour;
  scene.provider.behaviour = {
    metadata: (correct) => ({
      ...(metadata?.(correct) ?? correct),
      token_endpoint: `${scene.provider.issuer}/nowhere`,
    }),
  };
  return { ...scene, settings };
}
