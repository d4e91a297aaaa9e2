import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { errors } from '../../src/errors.ts';
import { MemoryTokenStore } from '../../src/token-store/memory.ts';
import { noBrowser } from '../support/browser.ts';
import { refusalOf } from '../support/failure.ts';
import { signInScene } from '../support/sign-in-scene.ts';

const hour = 3_600_000;

describe('token()', () => {
  it('is undefined before anybody signed in, and opens no browser', async () => {
    const { process } = await signInScene();
    expect(await process(noBrowser()).token()).toBeUndefined();
  });

  it('is what the store has, without asking anybody', async () => {
    const { provider, process, signIn } = await signInScene();
    const signedIn = await signIn();
    const before = provider.requests.length;
    expect(await process(noBrowser()).token()).toBe(signedIn);
    expect(provider.requests).toHaveLength(before);
  });

  it('is refreshed 10 s before its end, and not earlier', async () => {
    const { process, signIn, clock, refreshes } = await signInScene();
    const signedIn = await signIn();
    const bearer = process(noBrowser());
    clock.now += hour - 10_001;
    expect(await bearer.token()).toBe(signedIn);
    expect(refreshes()).toBe(0);
    clock.now += 1;
    expect(await bearer.token()).not.toBe(signedIn);
    expect(refreshes()).toBe(1);
  });

  it('saves what it refreshed for the next process', async () => {
    const { process, signIn, clock, refreshes } = await signInScene();
    await signIn();
    clock.now += hour;
    const renewed = await process(noBrowser()).token();
    expect(await process(noBrowser()).token()).toBe(renewed);
    expect(refreshes()).toBe(1);
  });

  it('is undefined when it expired and there is no refresh token, and opens no browser', async () => {
    const { process, signIn, clock } = await signInScene({ withoutRefreshTokens: true });
    await signIn();
    clock.now += hour;
    expect(await process(noBrowser()).token()).toBeUndefined();
  });

  it('is undefined when it expired and the grant is gone, and opens no browser', async () => {
    const { provider, process, signIn, clock } = await signInScene();
    await signIn();
    clock.now += hour;
    provider.revokeRefreshTokens();
    expect(await process(noBrowser()).token()).toBeUndefined();
  });

  it('is an error, not signed out, while the token endpoint fails, and works when that does again', async () => {
    const { provider, process, signIn, clock } = await signInScene();
    await signIn();
    clock.now += hour;
    const bearer = process(noBrowser());
    provider.behaviour = { token: () => ({ status: 503, content: {} }) };
    expect((await refusalOf(() => bearer.token())).code).toBe('token-endpoint-unavailable');
    provider.behaviour = {};
    expect(await bearer.token()).toMatch(/^access-/u);
  });

  it('is undefined when the client may not refresh, and the log says why', async () => {
    const { provider, process, signIn, clock, log } = await signInScene();
    await signIn();
    clock.now += hour;
    const content = { error: 'invalid_client', error_reason: 'client_authentication_missing' };
    provider.behaviour = { token: () => ({ status: 401, content }) };
    expect(await process(noBrowser()).token()).toBeUndefined();
    expect(log.text()).toContain('FusionAuth demands a client secret for refreshing');
  });

  it('is an error when the store does not work', async () => {
    const broken = new MemoryTokenStore();
    broken.load = () => Promise.reject(errors.keychainLocked());
    const { process } = await signInScene({}, {}, broken);
    expect((await refusalOf(() => process(noBrowser()).token())).code).toBe('keychain-locked');
  });
});

describe('a 401', () => {
  it('without a token leads to a sign-in', async () => {
    const { process, browser, log } = await signInScene();
    const bearer = process();
    await bearer.onUnauthorized(undefined, { scope: 'openid' });
    expect(await bearer.token()).toMatch(/^access-/u);
    expect(browser.opened.map((url) => url.searchParams.get('scope'))).toEqual(['openid offline_access']);
    expect(log.text()).toContain('tokens are kept in memory, until this process ends');
  });

  it('with a token leads to a refresh and no browser', async () => {
    const { process, signIn, refreshes } = await signInScene();
    const rejected = await signIn();
    const bearer = process(noBrowser());
    await bearer.onUnauthorized(rejected, {});
    expect(await bearer.token()).not.toBe(rejected);
    expect(refreshes()).toBe(1);
  });

  it('with a token and a grant that is gone leads to exactly one sign-in', async () => {
    const { provider, process, signIn, browser } = await signInScene();
    const rejected = await signIn();
    provider.revokeRefreshTokens();
    const bearer = process();
    await bearer.onUnauthorized(rejected, {});
    expect(await bearer.token()).not.toBe(rejected);
    expect(browser.opened).toHaveLength(2);
  });

  it('leads to an error and no sign-in while the token endpoint fails', async () => {
    const { provider, process, signIn } = await signInScene();
    const rejected = await signIn();
    provider.behaviour = { token: () => ({ status: 500, content: {} }) };
    const error = await refusalOf(() => process(noBrowser()).onUnauthorized(rejected, {}));
    expect(error.code).toBe('token-endpoint-unavailable');
  });

  it('takes the newer token that another process has stored', async () => {
    const { process, signIn, refreshes } = await signInScene();
    const rejected = await signIn();
    const slow = process(noBrowser());
    expect(await slow.token()).toBe(rejected);
    const quick = process(noBrowser());
    await quick.onUnauthorized(rejected, {});
    await slow.onUnauthorized(rejected, {});
    expect(await slow.token()).toBe(await quick.token());
    expect(refreshes()).toBe(1);
  });
});

describe('a token fresh from a sign-in', () => {
  it('that the server refuses is an error, and no second tab or refresh, for 30 s', async () => {
    const { process, browser, clock, refreshes } = await signInScene();
    const bearer = process();
    await bearer.onUnauthorized(undefined, {});
    const fresh = await bearer.token();
    clock.now += 29_999;
    expect((await refusalOf(() => bearer.onUnauthorized(fresh, {}))).code).toBe('token-refused');
    expect([browser.opened.length, refreshes()]).toEqual([1, 0]);
    clock.now += 1;
    await bearer.onUnauthorized(fresh, {});
    expect([browser.opened.length, refreshes()]).toEqual([1, 1]);
  });

  it('that the server accepted once is refreshed when it is refused later', async () => {
    const { process, browser, refreshes } = await signInScene();
    const bearer = process();
    await bearer.onUnauthorized(undefined, {});
    const fresh = (await bearer.token()) ?? '';
    bearer.onAccepted(fresh);
    await bearer.onUnauthorized(fresh, {});
    expect([browser.opened.length, refreshes()]).toEqual([1, 1]);
  });
});

describe('a refresh token that its authorization server has declared dead', () => {
  it('is not sent again', async () => {
    const { provider, process, signIn, clock, browser, refreshes } = await signInScene();
    await signIn();
    clock.now += hour;
    provider.revokeRefreshTokens();
    const bearer = process();
    expect(await bearer.token()).toBeUndefined();
    await bearer.onUnauthorized(undefined, {});
    expect([browser.opened.length, refreshes()]).toEqual([2, 1]);
  });
});

describe('many requests at once', () => {
  it('that all met a 401 lead to one refresh, though refresh tokens are for one use', async () => {
    const { process, signIn, refreshes } = await signInScene({ rotates: true });
    const rejected = await signIn();
    const bearer = process(noBrowser());
    await bearer.token();
    await Promise.all(Array.from({ length: 8 }, () => bearer.onUnauthorized(rejected, {})));
    expect(await bearer.token()).not.toBe(rejected);
    expect(refreshes()).toBe(1);
  });

  it('with an expired token lead to one refresh and get the same token', async () => {
    const { process, signIn, clock, refreshes } = await signInScene({ rotates: true });
    await signIn();
    clock.now += hour;
    const bearer = process(noBrowser());
    const tokens = await Promise.all(Array.from({ length: 8 }, () => bearer.token()));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).toMatch(/^access-/u);
    expect(refreshes()).toBe(1);
  });

  it('without a token lead to one sign-in', async () => {
    const { process, browser } = await signInScene();
    const bearer = process();
    await Promise.all(Array.from({ length: 8 }, () => bearer.onUnauthorized(undefined, {})));
    expect(await bearer.token()).toMatch(/^access-/u);
    expect(browser.opened).toHaveLength(1);
  });

  it('of several processes lead to one refresh, though refresh tokens are for one use', async () => {
    const { process, signIn, clock, refreshes } = await signInScene({ rotates: true });
    await signIn();
    for (let round = 1; round <= 3; round += 1) {
      clock.now += hour;
      const processes = [1, 2, 3, 4].map(() => process(noBrowser()));
      const tokens = await Promise.all(processes.map((bearer) => bearer.token()));
      expect(new Set(tokens).size).toBe(1);
      expect(refreshes()).toBe(round);
    }
  });

  it('of several processes lead to one sign-in', async () => {
    const { process, browser } = await signInScene();
    const processes = [process(), process(), process()];
    await Promise.all(processes.map((bearer) => bearer.onUnauthorized(undefined, {})));
    const tokens = await Promise.all(processes.map((bearer) => bearer.token()));
    expect(new Set(tokens).size).toBe(1);
    expect(browser.opened).toHaveLength(1);
  });
});

describe('a sign-in that failed', () => {
  it('opens no further tab for 30 s: others get the same error', async () => {
    const { process, browser, clock, provider, log } = await signInScene({ denies: true });
    const bearer = process();
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => refusalOf(() => bearer.onUnauthorized(undefined, {}))),
    );
    expect(new Set(outcomes).size).toBe(1);
    expect(outcomes[0]?.code).toBe('sign-in-refused');
    expect(browser.opened).toHaveLength(1);
    expect(log.lines.filter((line) => line.includes('code=sign-in-refused'))).toHaveLength(1);

    provider.behaviour = {};
    clock.now += 29_999;
    expect((await refusalOf(() => bearer.onUnauthorized(undefined, {}))).code).toBe('sign-in-refused');
    expect(browser.opened).toHaveLength(1);

    clock.now += 1;
    await bearer.onUnauthorized(undefined, {});
    expect(browser.opened).toHaveLength(2);
    expect(await bearer.token()).toMatch(/^access-/u);
  });
});

describe('a store that cannot save', () => {
  it('keeps the tokens for this process, refreshes them too, and says what that means', async () => {
    const broken = new MemoryTokenStore();
    broken.save = () => Promise.reject(errors.keychainFailed('save the sign-in', 'no'));
    const { process, clock, log, browser, refreshes } = await signInScene({ rotates: true }, {}, broken);
    const bearer = process();
    await bearer.onUnauthorized(undefined, {});
    const first = await bearer.token();
    expect(first).toMatch(/^access-/u);
    expect(log.text()).toContain('The sign-in could not be kept and ends with this process.');
    expect(log.text()).toContain('code=keychain-failed');
    for (const round of [1, 2]) {
      clock.now += hour;
      expect(await bearer.token()).toMatch(/^access-/u);
      expect(refreshes()).toBe(round);
    }
    expect(browser.opened).toHaveLength(1);
  });
});

describe('with --use-id-token', () => {
  it('the id_token is what requests carry, and what a 401 rejects', async () => {
    const { provider, process, browser, refreshes } = await signInScene();
    const bearer = process(browser.open, { useIdToken: true });
    const [first, second] = [idToken(provider.issuer, '1'), idToken(provider.issuer, '2')];
    provider.behaviour = { tokenResponse: { id_token: first } };
    await bearer.onUnauthorized(undefined, {});
    expect(await bearer.token()).toBe(first);
    bearer.onAccepted(first);
    provider.behaviour = { tokenResponse: { id_token: second } };
    await bearer.onUnauthorized(first, {});
    expect(await bearer.token()).toBe(second);
    expect([browser.opened.length, refreshes()]).toEqual([1, 1]);
  });

  it('it is an error that there is none, after one tab, and the access token is not sent in its place', async () => {
    const { process, browser } = await signInScene({ withoutRefreshTokens: true });
    const bearer = process(browser.open, { useIdToken: true });
    for (let request = 1; request <= 2; request += 1) {
      const { code, message } = await refusalOf(() => bearer.onUnauthorized(undefined, {}));
      expect(code).toBe('token-request-failed');
      expect(message).toContain('issued no id_token');
    }
    expect(await bearer.token()).toBeUndefined();
    expect(browser.opened).toHaveLength(1);
  });
});

describe('the lock', () => {
  it('has a name that fits any file system, however long the URL of the server', async () => {
    const { process, key } = await signInScene();
    Object.assign(key, { server: `https://mcp.example.com/${'long/'.repeat(200)}mcp?x=%2F&y=secret` });
    const bearer = process();
    await bearer.onUnauthorized(undefined, {});
    expect(await bearer.token()).toMatch(/^access-/u);
  });
});

/** An id_token signed HS256, as FusionAuth's are by default. */
function idToken(issuer: string, id: string): string {
  const encode = (content: unknown): string => Buffer.from(JSON.stringify(content)).toString('base64url');
  const seconds = Math.floor(Date.now() / 1_000);
  const claims = { iss: issuer, aud: 'client-1', sub: 'user-1', iat: seconds, exp: seconds + 60, jti: id };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', 'the secret').update(signed).digest('base64url')}`;
}
