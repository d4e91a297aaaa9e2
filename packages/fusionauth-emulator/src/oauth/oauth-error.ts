/** FusionAuth's OAuth error codes that the emulator answers with. */
export type OAuthErrorCode =
  | 'access_denied'
  | 'authorization_pending'
  | 'consent_required'
  | 'expired_token'
  | 'invalid_client'
  | 'invalid_dpop_proof'
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_token'
  | 'login_required'
  | 'server_error'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'use_dpop_nonce';

/** An answer of the OAuth endpoints that is an error: `error`, `error_description` and FusionAuth's `error_reason`. */
export class OAuthError extends Error {
  readonly error: OAuthErrorCode;
  /** FusionAuth's finer code, from its published list. */
  readonly reason: string;
  /** HTTP status where the error is an answer of its own and not part of a redirect. */
  readonly status: 400 | 401;

  constructor(error: OAuthErrorCode, reason: string, description: string, status: 400 | 401 = 400) {
    super(description);
    this.name = 'OAuthError';
    this.error = error;
    this.reason = reason;
    this.status = status;
  }

  /** The JSON body. */
  toJSON(): { error: string; error_description: string; error_reason: string } {
    return { error: this.error, error_description: this.message, error_reason: this.reason };
  }
}
