import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AuthorizationContext } from '../../src/authorization/authorize.ts';
import { noBrowser } from '../support/browser.ts';
import { refusalOf } from '../support/failure.ts';
import { readJwt, signingKey } from '../support/signed-jwt.ts';
import { signInScene } from '../support/sign-in-scene.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A service whose client has a key, in an environment variable. */
async function keyScene(settings: Partial<AuthorizationContext['config']> = {}) {
  const key = signingKey();
  const environment = { CLIENT_KEY: key.pem };
  const scene = await signInScene(
    { metadata: (correct) => ({ ...correct, token_endpoint_auth_methods_supported: ['private_key_jwt'] }) },
    {
      clientCredentials: true,
      client: { clientId: 'service-1' },
      clientKey: { kind: 'environment', name: 'CLIENT_KEY' },
      environment,
      ...settings,
    },
  );
  const { publicJwk } = key;
  scene.provider.clients.add({ id: 'service-1', authentication: 'private_key_jwt', publicJwk });
  const assertions = () =>
    scene.provider.tokenRequests().map((form) => readJwt(form.get('client_assertion') ?? ''));
  return { ...scene, key, environment, assertions };
}

describe('private_key_jwt', () => {
  it('gets a token without anybody and without a secret', async () => {
    const { process, provider, assertions } = await keyScene();
    const bearer = process(noBrowser());
    await bearer.onUnauthorized(undefined, {});
    expect(await bearer.token()).toMatch(/^access-/u);
    const [form] = provider.tokenRequests('client_credentials');
    expect(form?.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(form?.has('client_secret')).toBe(false);
    const [assertion] = assertions();
    expect(assertion?.header).toEqual({ alg: 'ES256' });
    expect(assertion?.claims).toMatchObject({ iss: 'service-1', sub: 'service-1', aud: provider.issuer });
    expect(Number(assertion?.claims['exp']) - Date.now() / 1_000).toBeLessThan(301);
  });

  it('authenticates a user’s sign-in and its refreshing too, with a fresh assertion each time', async () => {
    const { signIn, process, clock, provider, assertions } = await keyScene({ clientCredentials: false });
    const token = await signIn();
    clock.now += 3_600_000;
    provider.expireAccessTokens();
    expect(await process().token()).not.toBe(token);
    const ids = assertions().map(({ claims }) => claims['jti']);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
  });

  it('reads its key from a file anew each time, so that it may be replaced', async () => {
    const file = path.join(await temporaryFolder(), 'client.jwk');
    const { process, provider, key } = await keyScene({ clientKey: { kind: 'file', path: file } });
    await writeFile(file, JSON.stringify({ ...signingKey().jwk, kid: 'old' }));
    const before = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(before.code).toBe('token-request-failed');
    expect(before.remedy).toContain('--client-key');
    await writeFile(file, `${JSON.stringify({ ...key.jwk, kid: 'new' })}\n`);
    await process().onUnauthorized(undefined, {});
    expect(readJwt(provider.tokenRequests()[1]?.get('client_assertion') ?? '').header['kid']).toBe('new');
  });

  it('says what it is told of audience and key id', async () => {
    const { process, assertions } = await keyScene({
      clientAssertionAudience: 'https://login.example.com/token',
      clientKeyId: 'key-7',
    });
    const { code } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('token-request-failed');
    expect(assertions()[0]?.claims['aud']).toBe('https://login.example.com/token');
    expect(assertions()[0]?.header['kid']).toBe('key-7');
  });

  it('fails clearly when its key is not there', async () => {
    const { process, provider, environment } = await keyScene();
    environment.CLIENT_KEY = '';
    const { code, message } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('credential-unreadable');
    expect(message).toContain('the environment variable CLIENT_KEY');
    expect(provider.tokenRequests()).toEqual([]);
  });

  it('has its key in no log', async () => {
    const { process, log, key } = await keyScene();
    await process().onUnauthorized(undefined, {});
    expect(log.text()).not.toContain(key.jwk.d);
    expect(log.text()).not.toContain('eyJ');
  });
});
