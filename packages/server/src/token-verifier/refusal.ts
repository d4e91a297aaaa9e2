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
  | { readonly reason: 'revocations-unknown'; readonly detail: string }
  | { readonly reason: 'keys-unknown'; readonly detail: string }
  | { readonly reason: 'fusionauth-unavailable'; readonly detail: string };

/**
 * A refused token: to the SDK's middleware, and to ours, an OAuthError with the code that the wire may know
 * (`invalid_token` or `temporarily_unavailable`); to the log the {@link Refusal}.
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

function wireForm({ reason }: Refusal): [OAuthErrorCode, string] {
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
      return [OAuthErrorCode.InvalidToken, wireDescriptions.invalidToken];
    // Not invalid_token: a client would throw good tokens away and send the user to a browser that cannot help.
    case 'revocations-unknown':
    case 'keys-unknown':
    case 'fusionauth-unavailable':
      return [OAuthErrorCode.TemporarilyUnavailable, wireDescriptions.unavailable];
  }
}
