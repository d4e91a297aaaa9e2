import { createHash, timingSafeEqual } from 'node:crypto';
import { activeApplication, type Store } from '../store/store.ts';
import type { Application } from '../store/types.ts';
import { OAuthError } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';

/** The client of a token request, and whether it proved itself with its secret. */
export interface AuthenticatedClient {
  readonly application: Application;
  readonly bySecret: boolean;
}

/**
 * Finds the client of a token request by HTTP Basic or form fields; a secret that is sent must be right.
 *
 * @throws OAuthError `invalid_client`
 */
export function identifyClient(
  store: Store,
  authorization: string | undefined,
  parameters: Parameters,
): AuthenticatedClient {
  // FusionAuth's client sends an empty header where it has no API key.
  const basic = authorization === undefined || authorization === '' ? undefined : readBasic(authorization);
  const formId = parameters.get('client_id');
  if (basic !== undefined && formId !== undefined && formId !== basic.id) {
    throw new OAuthError(
      'invalid_request',
      'client_id_mismatch',
      'Two different client identifiers were sent.',
    );
  }
  const id = basic?.id ?? formId;
  if (id === undefined) {
    throw new OAuthError('invalid_request', 'missing_client_id', 'The client_id is missing.');
  }
  const application = activeApplication(store, id);
  if (application === undefined) {
    throw new OAuthError('invalid_client', 'invalid_client_id', `Invalid client identifier [${id}]`, 401);
  }
  const secret = basic?.secret ?? parameters.get('client_secret');
  if (secret !== undefined && !sameText(secret, application.oauthConfiguration.clientSecret)) {
    throw new OAuthError(
      'invalid_client',
      'invalid_client_authentication',
      'Invalid client authentication credentials.',
      401,
    );
  }
  return { application, bySecret: secret !== undefined };
}

/**
 * Applies `clientAuthenticationPolicy`. Under NotRequiredWhenUsingPKCE only a request with PKCE goes without a secret,
 * and a refresh has no PKCE: public clients of such applications cannot refresh (fusionauth-issues #1653, #2173).
 *
 * @throws OAuthError `client_authentication_missing`
 */
export function checkClientAuthentication(client: AuthenticatedClient, usesPkce: boolean): void {
  const policy = client.application.oauthConfiguration.clientAuthenticationPolicy;
  if (client.bySecret || policy === 'NotRequired') return;
  if (policy === 'NotRequiredWhenUsingPKCE' && usesPkce) return;
  throw new OAuthError(
    'invalid_client',
    'client_authentication_missing',
    'Client authentication is required and was not found in the request.',
    401,
  );
}

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
function readBasic(authorization: string): { id: string; secret: string | undefined } {
  const encoded = /^basic +(?<value>[A-Za-z0-9+/=]+)$/iu.exec(authorization)?.groups?.['value'];
  const pair = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair?.indexOf(':') ?? -1;
  if (pair === undefined || colon < 1) {
    throw new OAuthError(
      'invalid_client',
      'invalid_client_authentication_scheme',
      'The Authorization header is not HTTP Basic.',
      401,
    );
  }
  const secret = formDecode(pair.slice(colon + 1));
  return { id: formDecode(pair.slice(0, colon)), secret: secret === '' ? undefined : secret };
}

function formDecode(text: string): string {
  return new URLSearchParams(`value=${text.replaceAll('&', '%26')}`).get('value') ?? '';
}

function sameText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
