import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMemorySharedState } from '../src/shared-state/memory-shared-state.ts';
import { subjects } from '../src/shared-state/revocation-check.ts';
import { watchSigningKeys } from '../src/shared-state/signing-keys-watch.ts';

afterEach(() => vi.useRealTimers());

describe('a change of keys', () => {
  it('has them read anew at once, and once more when FusionAuth has made it; a revocation does not', async () => {
    vi.useFakeTimers();
    const { revocations } = createMemorySharedState();
    const now = Date.now() / 1_000;
    let reads = 0;
    watchSigningKeys(revocations, () => (reads += 1));
    await revocations.revoke(subjects.user('user'), now, now + 60);
    expect(reads).toBe(0);
    await revocations.revoke(subjects.signingKeys('event'), now, now + 60);
    expect(reads).toBe(1);
    // The same event again.
    await revocations.revoke(subjects.signingKeys('event'), now, now + 60);
    vi.advanceTimersByTime(4_999);
    expect(reads).toBe(1);
    vi.advanceTimersByTime(1);
    expect(reads).toBe(2);
    vi.advanceTimersByTime(60_000);
    expect(reads).toBe(2);
  });
});
