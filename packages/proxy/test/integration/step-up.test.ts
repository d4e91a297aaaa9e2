import { describe, expect, it } from 'vitest';
import type { TokenProvider } from '../../src/http/endpoint.ts';
import { errors } from '../../src/errors.ts';
import { MemoryTokenStore } from '../../src/token-store/memory.ts';
import { bridgedHost, type BridgedHost } from '../support/bridged-host.ts';
import { noBrowser } from '../support/browser.ts';
import { loopbackServer, sendJson, type LoopbackServer } from '../support/loopback-server.ts';
import { signInScene } from '../support/sign-in-scene.ts';

/** A host that is signed in with the scopes of the first challenge, at a server that now wants more. */
async function narrowlySignedIn(
  requiredScope: string,
  ...[behaviour = {}, settings, store]: Parameters<typeof signInScene>
) {
  const scene = await signInScene(behaviour, settings, store);
  const host = bridgedHost(scene.provider.resource, { tokens: scene.process() });
  expect((await host.request('first', 'ping')).result).toEqual({ method: 'ping' });
  scene.provider.behaviour = { ...scene.provider.behaviour, requiredScope };
  const asked = () => scene.browser.opened.map((url) => url.searchParams.get('scope'));
  return { ...scene, host, asked };
}

const together = (host: BridgedHost, count: number) =>
  Promise.all(Array.from({ length: count }, (_, index) => host.request(index + 1, 'tools/call')));

describe('a server that asks for more scopes', () => {
  it('gets a token for the union of what was asked for and what it wants, and the request again', async () => {
    const { host, asked } = await narrowlySignedIn('get_name admin');
    expect((await host.request(1, 'tools/call')).result).toEqual({ method: 'tools/call' });
    expect(asked()).toEqual(['openid get_name offline_access', 'openid get_name offline_access admin']);
  });

  it('gets the union of all when it wants more and more', async () => {
    const { host, provider, asked } = await narrowlySignedIn('admin');
    await host.request(1, 'tools/call');
    provider.behaviour = { requiredScope: 'audit' };
    expect((await host.request(2, 'tools/call')).result).toEqual({ method: 'tools/call' });
    expect(asked().at(-1)).toBe('openid get_name offline_access admin audit');
  });

  it('gets what the client was registered with, and in addition what it wants', async () => {
    const { host, asked } = await narrowlySignedIn(
      'admin',
      {},
      { client: { clientId: 'client-1', scope: 'openid' } },
    );
    expect((await host.request(1, 'tools/call')).result).toEqual({ method: 'tools/call' });
    expect(asked()).toEqual(['openid', 'openid admin']);
  });

  it('leads to one sign-in, however many requests meet a 403', async () => {
    const { host, browser } = await narrowlySignedIn('admin');
    const answers = await together(host, 8);
    expect(answers.map(({ result }) => result)).toEqual(answers.map(() => ({ method: 'tools/call' })));
    expect(browser.opened).toHaveLength(2);
  });

  it('leads to one sign-in where the tokens cannot be stored', async () => {
    const broken = new MemoryTokenStore();
    broken.save = () => Promise.reject(errors.keychainFailed('save the sign-in', 'no'));
    const { host, browser } = await narrowlySignedIn('admin', {}, {}, broken);
    const answers = await together(host, 8);
    expect(answers.map(({ result }) => result)).toEqual(answers.map(() => ({ method: 'tools/call' })));
    expect(browser.opened).toHaveLength(2);
  });

  it('leads to no sign-in when another process has obtained the scopes meanwhile', async () => {
    const { host, process, provider, browser } = await narrowlySignedIn('admin');
    const slow = bridgedHost(provider.resource, { tokens: process(noBrowser()) });
    provider.behaviour = {};
    await slow.request('first', 'ping');
    provider.behaviour = { requiredScope: 'admin' };
    await host.request(1, 'tools/call');
    expect((await slow.request(1, 'tools/call')).result).toEqual({ method: 'tools/call' });
    expect(browser.opened).toHaveLength(2);
  });

  it('keeps the scopes after a refresh', async () => {
    const { host, provider, browser } = await narrowlySignedIn('admin', { rotates: true });
    await host.request(1, 'tools/call');
    provider.expireAccessTokens();
    expect((await host.request(2, 'tools/call')).result).toEqual({ method: 'tools/call' });
    expect(browser.opened).toHaveLength(2);
  });

  it('gets an error without a browser for scopes that the token has been granted', async () => {
    const scene = await signInScene();
    await scene.signIn();
    const { provider, process } = scene;
    const host = bridgedHost(provider.resource, { tokens: process(noBrowser()) });
    const correct = provider.tokens.scopeOf.bind(provider.tokens);
    // A server that forgets what was granted.
    provider.tokens.scopeOf = (token) => (correct(token) === undefined ? undefined : 'nothing');
    provider.behaviour = { requiredScope: 'get_name' };
    const { error } = await host.request(1, 'tools/call');
    expect(error?.data?.code).toBe('scope-missing');
    expect(error?.message).toContain('get_name');
  });

  it('gets an error when the user is not granted the scopes: after two tabs, not more', async () => {
    const { host, provider, browser } = await narrowlySignedIn('admin');
    provider.behaviour = { requiredScope: 'admin', tokenResponse: { scope: 'openid get_name' } };
    const { error } = await host.request(1, 'tools/call');
    expect(error?.data?.code).toBe('scope-missing');
    expect(error?.message).toContain('admin');
    expect(browser.opened).toHaveLength(3);
    expect(provider.requestsTo('/mcp').filter(({ body }) => body.includes('tools/call'))).toHaveLength(3);
  });

  it('gets an error with its code when the user denies, for each request, after one tab', async () => {
    const { host, provider, browser } = await narrowlySignedIn('admin');
    provider.behaviour = { requiredScope: 'admin', denies: true };
    for (const { error } of await together(host, 4)) expect(error?.data?.code).toBe('sign-in-refused');
    expect(browser.opened).toHaveLength(2);
    // The sign-in that there was still serves what it can.
    provider.behaviour = {};
    expect((await host.request('ping', 'ping')).result).toEqual({ method: 'ping' });
  });
});

describe('a 403', () => {
  /** A server that answers each request with this challenge, and a host whose tokens are `token-0`, `token-1`, …. */
  async function refusing(challenge: string | undefined): Promise<{
    host: BridgedHost;
    http: LoopbackServer;
    stepUps: [string, string | undefined][];
  }> {
    const http = await loopbackServer((_request, response) => {
      sendJson(response, 403, { no: 1 }, challenge === undefined ? {} : { 'www-authenticate': challenge });
    });
    const stepUps: [string, string | undefined][] = [];
    const tokens: TokenProvider = {
      token: () => Promise.resolve(`token-${stepUps.length}`),
      onUnauthorized: () => expect.unreachable(),
      onInsufficientScope: (insufficient, { scope }) => {
        stepUps.push([insufficient, scope]);
        return Promise.resolve();
      },
      onAccepted: () => undefined,
    };
    return { host: bridgedHost(new URL('/mcp', http.url), { tokens }), http, stepUps };
  }

  it('for a missing scope leads to at most two step-ups for one request, each with the token that failed', async () => {
    const { host, http, stepUps } = await refusing('Bearer error="insufficient_scope", scope="a b"');
    expect((await host.request(1, 'tools/call')).error?.data?.code).toBe('scope-missing');
    expect(stepUps).toEqual([
      ['token-0', 'a b'],
      ['token-1', 'a b'],
    ]);
    expect(http.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-0',
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  it.each([
    ['without a challenge', undefined],
    ['for another reason', 'Bearer error="invalid_request", scope="a"'],
    ['in another scheme', 'Basic realm="x"'],
  ])('%s leads to none', async (_what, challenge) => {
    const { host, stepUps, http } = await refusing(challenge);
    expect((await host.request(1, 'tools/call')).error?.data?.code).toBe('server-error');
    expect([stepUps.length, http.requests.length]).toEqual([0, 1]);
  });

  it('that names no scope is an error without a browser', async () => {
    const { process, signIn } = await signInScene();
    const token = await signIn();
    await expect(process(noBrowser()).onInsufficientScope(token, {})).rejects.toMatchObject({
      code: 'scope-missing',
    });
  });
});
