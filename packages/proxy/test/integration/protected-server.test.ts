import { describe, expect, it } from 'vitest';
import { bridgedHost } from '../support/bridged-host.ts';
import { noBrowser } from '../support/browser.ts';
import { signInScene } from '../support/sign-in-scene.ts';

describe('a host behind the bridge of a protected server', () => {
  it('gets its answer after a sign-in, and the next process gets it without', async () => {
    const { provider, process, browser, log } = await signInScene();
    const host = bridgedHost(provider.resource, { tokens: process() });
    expect((await host.request(1, 'tools/list')).result).toEqual({ method: 'tools/list' });
    expect(browser.opened).toHaveLength(1);
    expect(log.text()).toContain(`signed in to ${provider.resource.href}`);
    await host.end();
    const next = bridgedHost(provider.resource, { tokens: process(noBrowser()) });
    expect((await next.request(1, 'tools/call')).result).toEqual({ method: 'tools/call' });
  });

  it('gets all its answers after one sign-in, however many requests met a 401', async () => {
    const { provider, process, browser } = await signInScene();
    const host = bridgedHost(provider.resource, { tokens: process() });
    const ids = [1, 2, 3, 4, 5, 6, 7, 8];
    const answers = await Promise.all(ids.map((id) => host.request(id, 'tools/list')));
    expect(answers.map(({ result }) => result)).toEqual(ids.map(() => ({ method: 'tools/list' })));
    expect(browser.opened).toHaveLength(1);
  });

  it('notices nothing of tokens that expire, though refresh tokens are for one use', async () => {
    const { provider, process, signIn, refreshes } = await signInScene({ rotates: true });
    await signIn();
    const host = bridgedHost(provider.resource, { tokens: process(noBrowser()) });
    for (const round of [1, 2, 3]) {
      provider.expireAccessTokens();
      const answers = await Promise.all(
        ['a', 'b', 'c', 'd'].map((id) => host.request(`${id}${round}`, 'tools/list')),
      );
      for (const { result } of answers) expect(result).toEqual({ method: 'tools/list' });
      expect(refreshes()).toBe(round);
    }
  });

  it('gets an error with its code when the user denies, for each request, after one tab', async () => {
    const { provider, process, browser } = await signInScene({ denies: true });
    const host = bridgedHost(provider.resource, { tokens: process() });
    const answers = await Promise.all([1, 2, 3].map((id) => host.request(id, 'tools/list')));
    for (const { error } of answers) {
      expect(error?.data?.code).toBe('sign-in-refused');
      expect(error?.message).toContain('Sign in again and allow the access');
    }
    expect(browser.opened).toHaveLength(1);
  });

  it('gets an error, and nobody a tab, while the token endpoint fails', async () => {
    const { provider, process, signIn } = await signInScene();
    await signIn();
    const host = bridgedHost(provider.resource, { tokens: process(noBrowser()) });
    provider.expireAccessTokens();
    provider.behaviour = { token: () => ({ status: 502, content: {} }) };
    expect((await host.request(1, 'tools/list')).error?.data?.code).toBe('token-endpoint-unavailable');
    provider.behaviour = {};
    expect((await host.request(2, 'tools/list')).result).toEqual({ method: 'tools/list' });
  });
});
