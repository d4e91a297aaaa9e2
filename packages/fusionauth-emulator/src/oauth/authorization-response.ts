import { formPostPage } from '../pages/form-post.ts';
import type { Store } from '../store/store.ts';
import { has } from '../store/version.ts';
import { OAuthError } from './oauth-error.ts';
import { definedParameters } from './parameters.ts';

export const responseModes = ['query', 'fragment', 'form_post'] as const;
export type ResponseMode = (typeof responseModes)[number];

/** What the browser is answered: a redirect, or for `form_post` a page. */
export type BrowserAnswer = { readonly location: string } | { readonly page: string };

/** FusionAuth's success response, in its order of parameters. `iss` (RFC 9207) since 1.69. */
export function successResponse(
  store: Store,
  response: { code: string; state: string | undefined; locale: string; registered: boolean },
): URLSearchParams {
  return definedParameters({
    code: response.code,
    iss: has(store, 'issuerIdentification') ? store.tenant.issuer : undefined,
    locale: response.locale,
    state: response.state,
    userState: response.registered ? 'Authenticated' : 'AuthenticatedNotRegistered',
  });
}

/** FusionAuth's error response, in its order of parameters. */
export function errorResponse(store: Store, error: OAuthError, state: string | undefined): URLSearchParams {
  return definedParameters({
    error: error.error,
    error_reason: error.reason,
    error_description: error.message,
    iss: has(store, 'issuerIdentification') ? store.tenant.issuer : undefined,
    state,
  });
}

export function deliver(redirectUri: string, mode: ResponseMode, fields: URLSearchParams): BrowserAnswer {
  if (mode === 'form_post') return { page: formPostPage(redirectUri, fields) };
  const separator = mode === 'fragment' ? '#' : redirectUri.includes('?') ? '&' : '?';
  return { location: `${redirectUri}${separator}${fields.toString()}` };
}

/** The engine's error codes that reach a client, with FusionAuth's reason for each. */
const reasons = {
  access_denied: 'consent_canceled',
  consent_required: 'authentication_required',
  login_required: 'authentication_required',
  invalid_request: 'unknown',
} as const;

/** An error that the engine reports, in FusionAuth's words. */
export function fromEngine(error: string, description: string | undefined): OAuthError {
  const known = Object.keys(reasons).find((code): code is keyof typeof reasons => code === error);
  return known === undefined
    ? new OAuthError('server_error', 'unknown', description ?? 'The request failed.')
    : new OAuthError(known, reasons[known], description ?? 'The request failed.');
}
