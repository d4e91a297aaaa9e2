import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import { wireDescriptions } from '../errors.ts';

/** Why a token was not accepted. Rich, for the log; the wire learns only what {@link TokenRefused} says. */
export type Refusal =
  | { readonly reason: 'malformed-token' }
  | { readonly reason: 'wrong-algorithm'; readonly found: string }
  | { readonly reason: 'wrong-type'; readonly found: string }
  | { readonly reason: 'invalid-or-expired'; readonly status: number }
  | { readonly reason: 'expired' }
  | { readonly reason: 'not-yet-valid' }
  | { readonly reason: 'wrong-signature' }
  | { readonly reason: 'unknown-key' }
  | { readonly reason: 'incomplete-claims'; readonly missing: string }
  | { readonly reason: 'wrong-issuer'; readonly found: string; readonly expected: string }
  | { readonly reason: 'wrong-audience'; readonly found: string; readonly expected: string }
  | { readonly reason: 'revoked' }
  | { readonly reason: 'bound-token-as-bearer' }
  | { readonly reason: 'unbound-token' }
  | { readonly reason: 'invalid-proof'; readonly detail: string }
  | { readonly reason: 'replayed-proof' }
  | { readonly reason: 'nonce-needed' }
  | { readonly reason: 'proofs-unknown'; readonly detail: string }
  | { readonly reason: 'revocations-unknown'; readonly detail: string }
  | { readonly reason: 'keys-unknown'; readonly detail: string }
  | { readonly reason: 'fusionauth-unavailable'; readonly detail: string };

/**
 * A refused token: to the SDK's middleware, and to ours, an OAuthError with the code that the wire may know
 * (`invalid_token`, `temporarily_unavailable`, those of DPoP); to the log the {@link Refusal}.
 */
export class TokenRefused extends OAuthError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(...wireForm(refusal));
    this.name = 'TokenRefused';
    this.refusal = refusal;
  }

  /** False: nobody could tell whether the token is good. */
  get isFinal(): boolean {
    return this.code === OAuthErrorCode.InvalidToken.valueOf();
  }
}

/** RFC 9449, section 7.1; the SDK does not have them. */
type DpopErrorCode = 'invalid_dpop_proof' | 'use_dpop_nonce';

function wireForm({ reason }: Refusal): [OAuthErrorCode | DpopErrorCode, string] {
  switch (reason) {
    case 'malformed-token':
    case 'wrong-algorithm':
    case 'wrong-type':
    case 'invalid-or-expired':
    case 'expired':
    case 'not-yet-valid':
    case 'wrong-signature':
    case 'unknown-key':
    case 'incomplete-claims':
    case 'wrong-issuer':
    case 'wrong-audience':
    case 'revoked':
    case 'bound-token-as-bearer':
    case 'unbound-token':
      return [OAuthErrorCode.InvalidToken, wireDescriptions.invalidToken];
    case 'invalid-proof':
    case 'replayed-proof':
      return ['invalid_dpop_proof', wireDescriptions.invalidProof];
    case 'nonce-needed':
      return ['use_dpop_nonce', wireDescriptions.nonceNeeded];
    // Not invalid_token: a client would throw good tokens away and send the user to a browser that cannot help.
    case 'revocations-unknown':
    case 'proofs-unknown':
    case 'keys-unknown':
    case 'fusionauth-unavailable':
      return [OAuthErrorCode.TemporarilyUnavailable, wireDescriptions.unavailable];
  }
}
