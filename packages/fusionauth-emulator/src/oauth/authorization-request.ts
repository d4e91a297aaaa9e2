import type { Application } from '../store/types.ts';
import { activeApplication, type Store } from '../store/store.ts';
import { responseModes, type ResponseMode } from './authorization-response.ts';
import { OAuthError } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';
import { redirectUriAllowed } from './redirect-uri.ts';
import { resolveResources } from './resources.ts';
import { resolveScopes } from './scopes.ts';

/** Where the answer to an authorization request goes, known before the rest of the request is looked at. */
export interface ResponseTarget {
  readonly application: Application;
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly state: string | undefined;
}

/**
 * Finds out where to answer. A failure here is shown on a page: redirecting to a URI that nobody registered would make
 * the emulator an open redirector (RFC 6749 section 4.1.2.1).
 *
 * @throws OAuthError
 */
export function responseTarget(store: Store, parameters: Parameters): ResponseTarget {
  const clientId = parameters.get('client_id');
  if (clientId === undefined) {
    throw new OAuthError('invalid_request', 'missing_client_id', 'The client_id is missing.');
  }
  const application = activeApplication(store, clientId);
  if (application === undefined) {
    throw new OAuthError('invalid_client', 'invalid_client_id', `Invalid client identifier [${clientId}]`);
  }
  const redirectUri = parameters.get('redirect_uri');
  if (redirectUri === undefined) {
    throw new OAuthError('invalid_request', 'missing_redirect_uri', 'The redirect_uri is missing.');
  }
  if (!redirectUriAllowed(application, redirectUri)) {
    throw new OAuthError('invalid_request', 'invalid_redirect_uri', `Invalid redirect uri ${redirectUri}`);
  }
  const mode = parameters.get('response_mode');
  return {
    application,
    redirectUri,
    responseMode: responseModes.find((known) => known === mode) ?? 'query',
    state: parameters.get('state'),
  };
}

/**
 * The same request for the engine: what FusionAuth's rules decide is decided here, so the engine sees only `openid` as
 * scope; the scopes and resources travel as parameters of our own.
 *
 * @throws OAuthError for the redirect
 */
export function engineRequest(target: ResponseTarget, parameters: Parameters): URLSearchParams {
  const { application } = target;
  const { enabledGrants } = application.oauthConfiguration;
  parameters.rejectRepeated();
  const mode = parameters.get('response_mode');
  if (mode !== undefined && mode !== target.responseMode) {
    throw new OAuthError('invalid_request', 'invalid_response_mode', `Invalid response_mode [${mode}]`);
  }
  const type = parameters.get('response_type');
  if (type === undefined) {
    throw new OAuthError('invalid_request', 'missing_response_type', 'The response_type is missing.');
  }
  if (type !== 'code') {
    throw new OAuthError(
      'unsupported_response_type',
      'invalid_response_type',
      `Invalid response_type [${type}]`,
    );
  }
  if (!enabledGrants.includes('authorization_code')) {
    throw new OAuthError(
      'unauthorized_client',
      'grant_type_disabled',
      'The authorization code grant is not enabled for this application.',
    );
  }
  checkCodeChallenge(application, parameters);
  const scopes = resolveScopes(application, parameters.scopes).map(({ name }) => name);
  const resources = resolveResources(application, parameters.resources);
  const request = new URLSearchParams({
    client_id: application.id,
    redirect_uri: target.redirectUri,
    response_type: 'code',
    response_mode: `fusionauth_${target.responseMode}`,
    scope: 'openid',
    requested_scopes: scopes.join(' '),
    requested_resources: JSON.stringify(resources),
  });
  const jkt = keyThumbprint(parameters);
  if (jkt !== undefined) request.set('requested_jkt', jkt);
  const prompt = promptFor(application, parameters);
  if (prompt !== undefined) request.set('prompt', prompt);
  for (const name of passedOn) {
    const value = parameters.get(name);
    if (value !== undefined) request.set(name, value);
  }
  return request;
}

const passedOn = [
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'max_age',
  'login_hint',
  'locale',
] as const;

function checkCodeChallenge(application: Application, parameters: Parameters): void {
  const challenge = parameters.get('code_challenge');
  const method = parameters.get('code_challenge_method');
  if (challenge === undefined) {
    if (application.oauthConfiguration.proofKeyForCodeExchangePolicy !== 'Required') return;
    throw new OAuthError(
      'invalid_request',
      'missing_code_challenge',
      'The code_challenge is missing: this application requires PKCE.',
    );
  }
  if (method !== 'S256') {
    throw new OAuthError(
      'invalid_request',
      'invalid_pkce_code_challenge_method',
      'Invalid code_challenge_method: only S256 is supported.',
    );
  }
  // RFC 7636 section 4.2: BASE64URL of a SHA-256 is 43 characters.
  if (!/^[A-Za-z0-9_-]{43}$/u.test(challenge)) {
    throw new OAuthError('invalid_request', 'invalid_pkce_code_challenge', 'Invalid code_challenge.');
  }
}

/** RFC 9449 section 10: the SHA-256 thumbprint of the key that the code is to be bound to. */
function keyThumbprint(parameters: Parameters): string | undefined {
  const jkt = parameters.get('dpop_jkt');
  if (jkt === undefined || /^[A-Za-z0-9_-]{43}$/u.test(jkt)) return jkt;
  throw new OAuthError('invalid_request', 'unknown', 'The dpop_jkt is not a thumbprint.');
}

/** FirstParty applications never ask for consent, so for them `prompt=consent` asks for nothing. */
function promptFor(application: Application, parameters: Parameters): string | undefined {
  const prompts = (parameters.get('prompt') ?? '').split(' ').filter((word) => word !== '');
  const unknown = prompts.find((word) => !['none', 'login', 'consent'].includes(word));
  if (unknown !== undefined || (prompts.includes('none') && prompts.length > 1)) {
    throw new OAuthError('invalid_request', 'invalid_prompt', `Invalid prompt [${prompts.join(' ')}]`);
  }
  const asked =
    application.oauthConfiguration.relationship === 'FirstParty'
      ? prompts.filter((word) => word !== 'consent')
      : prompts;
  return asked.length === 0 ? undefined : asked.join(' ');
}
