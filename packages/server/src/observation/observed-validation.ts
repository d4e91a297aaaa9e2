import { OAuthError, type AuthInfo } from '@modelcontextprotocol/server';
import { callerOf } from '../caller.ts';
import { TokenRefused } from '../token-verifier/refusal.ts';
import { millisecondsSince, type Observation } from './observation.ts';
import { currentRequest, noteValidation } from './request-context.ts';

/** Stands for a verifier that did not say more with `noteValidation`; for the cache, where nobody had to verify. */
const unnamed = 'own';
const cacheAlone = 'cache';

/** A validation that is under way; it is told how that ended. */
export interface ObservedValidation {
  accepted(authInfo: AuthInfo): void;
  refused(error: unknown): void;
}

/**
 * Observes the validation of the current request's token, which begins now. The log has a line for each token that is
 * accepted, unless it was known to an app that tells who called in the line of the answer; a refusal is logged, with its reason,
 * where it is answered.
 */
export function observeValidation({ log, metrics }: Observation): ObservedValidation {
  const begin = performance.now();
  const request = currentRequest();
  const span = request?.span.child('validate access token');
  const end = (outcome: string): void => {
    const { cache = 'none', verifier = cache === 'hit' ? cacheAlone : unnamed } = request?.validation ?? {};
    const milliseconds = millisecondsSince(begin);
    metrics.validation({ verifier, outcome, cache }, milliseconds / 1_000);
    span?.end(
      { 'mcp_keyhole.verifier': verifier, 'mcp_keyhole.cache': cache, 'mcp_keyhole.outcome': outcome },
      outcome === 'accepted' ? undefined : outcome,
    );
    noteValidation({ verifier, milliseconds });
  };
  return {
    accepted: (authInfo) => {
      end('accepted');
      if (request?.validation?.cache === 'hit') return;
      log.info(
        { ...callerOf(authInfo), outcome: 'accepted', ...request?.validation },
        'access token accepted',
      );
    },
    refused: (error) => end(outcomeOf(error)),
  };
}

/** Of a fixed set of words, since it labels a metric. */
function outcomeOf(error: unknown): string {
  if (error instanceof TokenRefused) return error.refusal.reason;
  return error instanceof OAuthError ? 'refused' : 'failed';
}
