import { afterEach, describe, expect, it, vi } from 'vitest';
import { errors } from '../../src/errors.ts';
import type { Behaviour } from '../support/authorization-server.ts';
import { bridgedHost } from '../support/bridged-host.ts';
import { noBrowser } from '../support/browser.ts';
import { refusalOf } from '../support/failure.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { signInScene } from '../support/sign-in-scene.ts';

const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code';

async function deviceScene(behaviour: Behaviour = {}, settings: Parameters<typeof signInScene>[1] = {}) {
  const scene = await signInScene({ devicePolls: [], ...behaviour }, { deviceCode: true, ...settings });
  const process = (own: Parameters<typeof scene.process>[1] = {}) => scene.process(noBrowser(), own);
  const polls = () => scene.provider.tokenRequests(deviceCodeGrant);
  return { ...scene, process, polls };
}

describe('a sign-in on another device', () => {
  it('shows page and code, waits for the user, and gets tokens as any other', async () => {
    const { provider, process, log, polls } = await deviceScene({ devicePolls: ['authorization_pending'] });
    const host = bridgedHost(provider.resource, { tokens: process() });
    expect((await host.request(1, 'tools/list')).result).toEqual({ method: 'tools/list' });
    expect(log.lines.slice(0, 2)).toEqual([
      `mcp-keyhole: sign in to ${provider.resource.href} here: ${provider.issuer}/activate?user_code=WDJB-MJHT\n`,
      'mcp-keyhole: if you are asked for a code, it is WDJB-MJHT\n',
    ]);
    expect(polls()).toHaveLength(2);
    expect(provider.requestsTo('/authorize')).toEqual([]);
  });

  it('asks for scope and resource, and repeats the resource with each poll', async () => {
    const { provider, signIn, polls } = await deviceScene({ devicePolls: ['authorization_pending'] });
    await signIn();
    const [asked] = provider.requestsTo('/device').map(({ body }) => new URLSearchParams(body));
    expect(Object.fromEntries(asked ?? [])).toEqual({
      client_id: 'client-1',
      scope: 'openid get_name offline_access',
      resource: provider.resource.href,
    });
    for (const form of polls()) expect(form.get('resource')).toBe(provider.resource.href);
  });

  it('is refreshed as any other', async () => {
    const { process, signIn, clock, refreshes } = await deviceScene();
    const first = await signIn();
    clock.now += 3_600_000;
    expect(await process().token()).not.toBe(first);
    expect(refreshes()).toBe(1);
  });

  it('shows the page without the code in it where there is no other', async () => {
    const { provider, signIn, log } = await deviceScene({
      deviceResponse: { verification_uri_complete: undefined },
    });
    await signIn();
    expect(log.lines[0]).toContain(`here: ${provider.issuer}/activate\n`);
  });

  it('is known to other processes by its page', async () => {
    const { provider, process, log } = await deviceScene();
    const seen = recordedLog();
    const isTold = () => seen.text().includes('/activate?user_code=WDJB-MJHT');
    // Nobody agrees before the second process has shown the page too.
    provider.behaviour = { devicePolls: [], token: () => (isTold() ? undefined : pendingAnswer) };
    const [first, second] = [process(), process({ log: seen.log })];
    const finished = first.onUnauthorized(undefined, {});
    await log.when('if you are asked for a code');
    await Promise.all([finished, second.onUnauthorized(undefined, {})]);
    expect(await second.token()).toBe(await first.token());
    expect(provider.requestsTo('/device')).toHaveLength(1);
  });

  it.each([
    ['denies', 'access_denied', 'allow the access'],
    ['comes too late', 'expired_token', 'Try again'],
  ])('is refused when the user %s, for good', async (_what, error, remedy) => {
    const { process, polls } = await deviceScene({ devicePolls: ['authorization_pending', error] });
    const refusal = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(refusal.code).toBe('sign-in-refused');
    expect(refusal.message).toContain(error);
    expect(refusal.remedy).toContain(remedy);
    expect(polls()).toHaveLength(2);
  });

  it('is an error of the token endpoint when that does not work', async () => {
    const { process, provider } = await deviceScene();
    provider.behaviour = { devicePolls: [], token: () => ({ status: 503, content: {} }) };
    const { code } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('token-endpoint-unavailable');
  });

  it('ends when nobody signs in within the deadline', async () => {
    const { process, provider } = await deviceScene({}, { signInTimeout: 150 });
    provider.behaviour = { devicePolls: [], token: () => pendingAnswer };
    const { code } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('sign-in-timeout');
  });

  it('ends when the program ends', async () => {
    const shutdown = new AbortController();
    const { process, provider } = await deviceScene();
    provider.behaviour = {
      devicePolls: [],
      token: () => {
        shutdown.abort(errors.shuttingDown());
        return pendingAnswer;
      },
    };
    const { code } = await refusalOf(() =>
      process({ signal: shutdown.signal }).onUnauthorized(undefined, {}),
    );
    expect(code).toBe('shutting-down');
  });

  it.each(['javascript:alert(1)', 'file:///etc/passwd', 'http://login.example.com/activate'])(
    'is not shown when its page is %s',
    async (page) => {
      const { process, log } = await deviceScene({
        deviceResponse: { verification_uri: page, verification_uri_complete: undefined },
      });
      const { code } = await refusalOf(() => process().onUnauthorized(undefined, {}));
      expect(code).toBe('insecure-endpoint');
      expect(log.text()).not.toContain('sign in to');
    },
  );

  it('needs an authorization server that has it', async () => {
    const { process, provider } = await deviceScene();
    provider.behaviour = {};
    const { code, remedy } = await refusalOf(() => process().onUnauthorized(undefined, {}));
    expect(code).toBe('device-grant-unsupported');
    expect(remedy).toContain('--device-code');
  });

  it('registers a client that may do it', async () => {
    const { provider, signIn } = await deviceScene({ registers: true }, { client: undefined });
    await signIn();
    expect(provider.registrations()[0]?.['grant_types']).toContain(deviceCodeGrant);
  });
});

describe('a server that is asked too often', () => {
  /** Time goes so many times as fast for who waits by setTimeout. */
  const haste = 100;

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('is asked 5 s later each time after slow_down (RFC 8628, section 3.5)', async () => {
    const { setTimeout } = globalThis;
    vi.stubGlobal(
      'setTimeout',
      (work: (...given: unknown[]) => void, milliseconds = 0, ...given: unknown[]) =>
        setTimeout(work, milliseconds / haste, ...given),
    );
    const arrivals: number[] = [];
    const answers = ['slow_down', 'slow_down'];
    const { process, provider } = await deviceScene(
      { deviceResponse: { interval: 3 } },
      { signInTimeout: 600_000 },
    );
    provider.behaviour = {
      ...provider.behaviour,
      token: () => {
        arrivals.push(performance.now() * haste);
        const error = answers.shift();
        return error === undefined ? undefined : { status: 400, content: { error } };
      },
    };
    await process().onUnauthorized(undefined, {});
    const [first = 0, second = 0, third = 0] = arrivals;
    // A timer may be early by 1 ms, since Node counts in whole ones.
    expect(second - first).toBeGreaterThanOrEqual(8_000 - 2 * haste);
    expect(third - second).toBeGreaterThanOrEqual(13_000 - 3 * haste);
  });
});

const pendingAnswer = { status: 400, content: { error: 'authorization_pending' } };
