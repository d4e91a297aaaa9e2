import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import { wireDescriptions } from '../errors.ts';

/** Why a token was not accepted. Rich, for the log; the wire learns only what {@link TokenRefused} says. */
export type Refusal =
  | { readonly reason: 'malformed-token' }
  | { readonly reason: 'invalid-or-expired'; readonly status: number }
  | { readonly reason: 'incomplete-claims'; readonly missing: string }
  | { readonly reason: 'wrong-issuer'; readonly found: string; readonly expected: string }
  | { readonly reason: 'wrong-audience'; readonly found: string; readonly expected: string }
  | { readonly reason: 'revoked' }
  | { readonly reason: 'revocations-unknown'; readonly detail: string }
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
}

function wireForm({ reason }: Refusal): [OAuthErrorCode, string] {
  switch (reason) {
    case 'malformed-token':
    case 'invalid-or-expired':
    case 'incomplete-claims':
    case 'wrong-issuer':
    case 'wrong-audience':
    case 'revoked':
      return [OAuthErrorCode.InvalidToken, wireDescriptions.invalidToken];
    // Not invalid_token: a client would throw good tokens away and send the user to a browser that cannot help.
    case 'revocations-unknown':
    case 'fusionauth-unavailable':
      return [OAuthErrorCode.TemporarilyUnavailable, wireDescriptions.unavailable];
  }
}
