import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AuthorizationContext } from '../../src/authorization/authorize.ts';
import { bridgedHost } from '../support/bridged-host.ts';
import { noBrowser } from '../support/browser.ts';
import { refusalOf } from '../support/failure.ts';
import { signingKey } from '../support/signed-jwt.ts';
import { signInScene } from '../support/sign-in-scene.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A workload whose platform puts its token into a file. */
async function workloadScene(settings: Partial<AuthorizationContext['config']> = {}) {
  const platform = signingKey();
  const file = path.join(await temporaryFolder(), 'token');
  const scene = await signInScene(
    { trusts: { key: platform.publicJwk, anonymous: true } },
    { client: undefined, workloadToken: { kind: 'file', path: file }, ...settings },
  );
  const claims = { iss: 'https://platform.example', sub: 'workload-1', aud: scene.provider.issuer };
  const issue = async (changes: Record<string, unknown> = {}): Promise<string> => {
    const jwt = platform.jwt({ ...claims, ...changes });
    await writeFile(file, `${jwt}\n`);
    return jwt;
  };
  return { ...scene, issue, platform, process: () => scene.process(noBrowser()) };
}

describe('workload identity', () => {
  it('gets a token for the token of the platform, without a client and without anybody', async () => {
    const { provider, process, issue } = await workloadScene();
    const jwt = await issue();
    const host = bridgedHost(provider.resource, { tokens: process() });
    expect((await host.request(1, 'tools/list')).result).toEqual({ method: 'tools/list' });
    const [form] = provider.tokenRequests();
    expect(Object.fromEntries(form ?? [])).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: jwt,
      scope: 'openid get_name',
      resource: provider.resource.href,
    });
  });

  it('reads the token anew when the access token has ended', async () => {
    const { provider, process, issue, clock } = await workloadScene();
    await issue();
    const host = bridgedHost(provider.resource, { tokens: process() });
    await host.request(1, 'tools/list');
    clock.now += 3_600_000;
    provider.expireAccessTokens();
    const second = await issue({ jti: 'second' });
    expect((await host.request(2, 'tools/list')).result).toEqual({ method: 'tools/list' });
    expect(provider.tokenRequests().map((form) => form.get('assertion'))[1]).toBe(second);
  });

  it('names a client where the authorization server knows one', async () => {
    const { provider, process, issue, platform } = await workloadScene({ client: { clientId: 'client-1' } });
    provider.behaviour = { trusts: { key: platform.publicJwk } };
    await issue();
    await process().onUnauthorized(undefined, {});
    expect(provider.tokenRequests()[0]?.get('client_id')).toBe('client-1');
  });

  it.each([
    ['for another audience', { aud: 'https://other.example' }],
    ['that has ended', { exp: 1_000 }],
  ])('with a token %s is refused once, and nothing else is tried', async (_what, changes) => {
    const { provider, process, issue } = await workloadScene();
    await issue(changes);
    const { code, remedy } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('assertion-refused');
    expect(remedy).toContain('doctor');
    expect(provider.tokenRequests()).toHaveLength(1);
    expect(provider.requestsTo('/authorize')).toEqual([]);
  });

  it('with a token that somebody else signed is refused', async () => {
    const { provider, process, issue } = await workloadScene();
    await issue();
    provider.behaviour = { trusts: { key: signingKey().publicJwk, anonymous: true } };
    expect((await refusalOf(() => process().onUnauthorized(undefined, {}))).code).toBe('assertion-refused');
  });

  it('without a token says where it should be, and keeps what there is out of the log', async () => {
    const { process, log, issue } = await workloadScene();
    const { code, message } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('credential-unreadable');
    expect(message).toMatch(/the token of this workload.*token: ENOENT/iu);
    const jwt = await issue();
    await process().onUnauthorized(undefined, {});
    expect(log.text()).not.toContain(jwt);
  });
});
