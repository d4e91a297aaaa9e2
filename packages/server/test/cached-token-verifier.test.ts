import type { AuthInfo } from '@modelcontextprotocol/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cachedVerifier } from '../src/token-verifier/cached-token-verifier.ts';
import { TokenRefused } from '../src/token-verifier/refusal.ts';

const inAnHour = (): number => Math.floor(Date.now() / 1_000) + 3_600;
const authInfo = (expiresAt = inAnHour()): AuthInfo => ({ token: 't', clientId: 'c', scopes: [], expiresAt });

/** A verifier that is told what comes of a token, and counts how often it was asked. */
function counting(verify: () => Promise<AuthInfo>): {
  verifyAccessToken: (token: string) => Promise<AuthInfo>;
  count: number;
} {
  const verifier = {
    count: 0,
    verifyAccessToken: async () => {
      verifier.count += 1;
      return verify();
    },
  };
  return verifier;
}

describe('what is known of tokens', () => {
  afterEach(() => void vi.useRealTimers());

  it('ends with the token by the wall clock, though the clock of the cache stood still', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const verifier = counting(async () => Promise.resolve(authInfo()));
    const cached = cachedVerifier(verifier);
    for (let time = 0; time < 3; time += 1) await cached.verifyAccessToken('t');
    vi.setSystemTime(Date.now() + 3_599_000);
    await cached.verifyAccessToken('t');
    expect(verifier.count).toBe(1);
    vi.setSystemTime(Date.now() + 1_000);
    await cached.verifyAccessToken('t');
    expect(verifier.count).toBe(2);
  });

  it('is told at once, until the token expires, and only of this very token', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const verifier = counting(async () => Promise.resolve(authInfo()));
    const cached = cachedVerifier(verifier);
    const token = 'header.payload.signature';
    expect(cached.known(token)).toBeUndefined();
    await cached.verifyAccessToken(token);
    const [first, second] = [cached.known(token), cached.known(token)];
    expect(first).toEqual(authInfo());
    // Each request has its own: what is done to the one does not reach the other.
    expect(second).not.toBe(first);
    for (const other of ['header.other.signature', 'header.payload.other', '']) {
      expect(cached.known(other)).toBeUndefined();
    }
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(cached.known(token)).toBeUndefined();
    await cached.verifyAccessToken(token);
    expect(cached.known(token)).toEqual(authInfo());
    cached.forget();
    expect(cached.known(token)).toBeUndefined();
    expect(verifier.count).toBe(2);
  });

  it('is not told of a refused token', async () => {
    const cached = cachedVerifier(
      counting(async () => Promise.reject(new TokenRefused({ reason: 'wrong-signature' }))),
    );
    await expect(cached.verifyAccessToken('t')).rejects.toThrow(TokenRefused);
    expect(cached.known('t')).toBeUndefined();
  });

  it('lasts no longer than is configured', async () => {
    const verifier = counting(async () => Promise.resolve(authInfo()));
    const cached = cachedVerifier(verifier, 100);
    for (let time = 0; time < 3; time += 1) await cached.verifyAccessToken('t');
    expect(verifier.count).toBe(1);
    await expect
      .poll(async () => {
        await cached.verifyAccessToken('t');
        return verifier.count;
      })
      .toBe(2);
    const never = counting(async () => Promise.resolve(authInfo()));
    const forgetful = cachedVerifier(never, 0);
    for (let time = 0; time < 3; time += 1) await forgetful.verifyAccessToken('t');
    expect(never.count).toBe(3);
  });

  it('is forgotten with the keys, also what was being verified when they changed', async () => {
    const open: { resolve: (authInfo: AuthInfo) => void; reject: (error: TokenRefused) => void }[] = [];
    const verifier = counting(async () => new Promise((resolve, reject) => open.push({ resolve, reject })));
    const cached = cachedVerifier(verifier);
    const accepted = cached.verifyAccessToken('accepted before');
    const refused = cached.verifyAccessToken('refused before');
    cached.forget();
    open[0]?.resolve({ ...authInfo(), clientId: 'before' });
    open[1]?.reject(new TokenRefused({ reason: 'wrong-signature' }));
    expect(await accepted).toMatchObject({ clientId: 'before' });
    await expect(refused).rejects.toThrow(TokenRefused);
    for (const [index, token] of ['accepted before', 'refused before'].entries()) {
      const again = cached.verifyAccessToken(token);
      open[2 + index]?.resolve({ ...authInfo(), clientId: 'after' });
      expect(await again).toMatchObject({ clientId: 'after' });
    }
    cached.forget();
    void cached.verifyAccessToken('accepted before');
    expect(verifier.count).toBe(5);
  });

  it('is shared by those who ask while it is found out, not with who asked before the keys changed', async () => {
    const open: ((authInfo: AuthInfo) => void)[] = [];
    const verifier = counting(async () => new Promise((resolve) => open.push(resolve)));
    const cached = cachedVerifier(verifier);
    const before = cached.verifyAccessToken('t');
    cached.forget();
    const after = [cached.verifyAccessToken('t')];
    open[0]?.(authInfo());
    await before;
    after.push(cached.verifyAccessToken('t'));
    expect(verifier.count).toBe(2);
    open[1]?.(authInfo());
    expect(await Promise.all(after)).toHaveLength(2);
  });

  it('is a refusal for a short time only, since its reason may pass', async () => {
    const error = new TokenRefused({ reason: 'wrong-signature' });
    const verifier = counting(async () => Promise.reject(error));
    const cached = cachedVerifier(verifier, Number.POSITIVE_INFINITY, 100);
    const refuse = async (): Promise<void> => expect(cached.verifyAccessToken('t')).rejects.toBe(error);
    for (let time = 0; time < 3; time += 1) await refuse();
    expect(verifier.count).toBe(1);
    await expect
      .poll(async () => {
        await refuse();
        return verifier.count;
      })
      .toBe(2);
  });

  it('is nothing when nobody could tell', async () => {
    const error = new TokenRefused({ reason: 'fusionauth-unavailable', detail: '' });
    const verifier = counting(async () => Promise.reject(error));
    const cached = cachedVerifier(verifier);
    for (let time = 0; time < 3; time += 1) {
      await expect(cached.verifyAccessToken('t')).rejects.toBe(error);
    }
    expect(verifier.count).toBe(3);
  });
});
