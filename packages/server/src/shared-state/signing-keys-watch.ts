import { isOfSigningKeys } from './revocation-check.ts';
import type { Revocations } from './shared-state.ts';

/**
 * Milliseconds after which keys are read once more: FusionAuth tells that they change, and may change them only when every
 * webhook has agreed.
 */
const settlingTime = 5_000;

/** Has keys read anew when FusionAuth has told this node, or another, that they change. */
export function watchSigningKeys(revocations: Revocations, keysChanged: () => void): void {
  revocations.watch((subject) => {
    if (!isOfSigningKeys(subject)) return;
    keysChanged();
    setTimeout(keysChanged, settlingTime).unref();
  });
}
