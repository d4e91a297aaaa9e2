import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Answer, FusionAuth } from '../src/fusionauth.ts';
import { PublishedKeys } from '../src/token-verifier/published-keys.ts';

const silence: Answer = { ok: false, detail: 'no answer' };
let jwk: JWK;

/** A FusionAuth that answers when the test says so. */
function held(): { fusionAuth: FusionAuth; open: ((answer: Answer) => void)[] } {
  const open: ((answer: Answer) => void)[] = [];
  const other = async (): Promise<Answer> => Promise.reject(new Error('not a look for keys'));
  const publicKeys = async (): Promise<Answer> => new Promise((resolve) => open.push(resolve));
  return {
    fusionAuth: { publicKeys, validateToken: other, userinfo: other, openIdConfiguration: other },
    open,
  };
}
const keySet = (...kids: string[]): Answer => ({
  ok: true,
  value: { keys: kids.map((kid) => ({ ...jwk, kid })) },
});

beforeAll(async () => {
  jwk = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), alg: 'ES256' };
});
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('published keys', () => {
  it('are read once for all who ask, and not again for 5 s, whatever keys are asked for', async () => {
    const { fusionAuth, open } = held();
    const keys = new PublishedKeys(fusionAuth);
    const asked = [keys.find('known'), keys.find('known'), keys.find('made-up')];
    open[0]?.(keySet('known'));
    expect((await Promise.all(asked)).map(({ state }) => state)).toEqual([
      'published',
      'published',
      'unpublished',
    ]);
    vi.advanceTimersByTime(4_900);
    expect(await keys.find('new')).toMatchObject({ state: 'unknown' });
    expect(open).toHaveLength(1);
    vi.advanceTimersByTime(100);
    const found = keys.find('new');
    open[1]?.(keySet('known', 'new'));
    expect(await found).toMatchObject({ state: 'published' });
  });

  it('are read again after ten minutes: one that was withdrawn counts no longer', async () => {
    const { fusionAuth, open } = held();
    const keys = new PublishedKeys(fusionAuth);
    const found = keys.find('withdrawn');
    open[0]?.(keySet('withdrawn'));
    expect(await found).toMatchObject({ state: 'published' });
    vi.advanceTimersByTime(599_000);
    expect(await keys.find('withdrawn')).toMatchObject({ state: 'published' });
    vi.advanceTimersByTime(1_000);
    const again = keys.find('withdrawn');
    open[1]?.(keySet('another'));
    expect(await again).toEqual({ state: 'unpublished' });
  });

  it('that could not be read keep only him waiting who has them read again', async () => {
    const { fusionAuth, open } = held();
    const keys = new PublishedKeys(fusionAuth);
    const first = [keys.find('key'), keys.find('key')];
    open[0]?.(silence);
    const unknown = { state: 'unknown', detail: 'no answer' };
    expect(await Promise.all(first)).toEqual([unknown, unknown]);
    vi.advanceTimersByTime(5_000);
    const trial = keys.find('key');
    expect(await keys.find('key')).toEqual(unknown);
    open[1]?.(keySet('key'));
    expect(await trial).toMatchObject({ state: 'published' });
    expect(open).toHaveLength(2);
    // From then on all wait again, as for any look.
    vi.advanceTimersByTime(5_000);
    const next = [keys.find('new'), keys.find('new')];
    open[2]?.(keySet('key', 'new'));
    expect((await Promise.all(next)).map(({ state }) => state)).toEqual(['published', 'published']);
  });

  it('keep everybody waiting where they shall be patient: for events, which come once', async () => {
    const { fusionAuth, open } = held();
    const keys = new PublishedKeys(fusionAuth, { isPatient: true });
    const first = keys.find('key');
    open[0]?.(silence);
    expect(await first).toMatchObject({ state: 'unknown' });
    vi.advanceTimersByTime(5_000);
    const all = [keys.find('key'), keys.find('key')];
    open[1]?.(keySet('key'));
    expect((await Promise.all(all)).map(({ state }) => state)).toEqual(['published', 'published']);
  });
});
