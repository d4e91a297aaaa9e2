import type { Store } from '../store/store.ts';
import type { Authorization } from '../store/types.ts';
import { checkClientAuthentication, type AuthenticatedClient } from './client-authentication.ts';
import { checkKeyBinding } from './dpop/key-binding.ts';
import { OAuthError } from './oauth-error.ts';
import { definedParameters, type Parameters } from './parameters.ts';
import { invalidTarget } from './resources.ts';
import { checkGrantEnabled, required, type EngineTokenRequest } from './token-rules.ts';

/**
 * FusionAuth's rules for `grant_type=authorization_code`. Expiry, single use and the code verifier are the engine's.
 *
 * @throws OAuthError
 */
export function checkCodeRequest(
  store: Store,
  client: AuthenticatedClient,
  parameters: Parameters,
  jkt: string | undefined,
): EngineTokenRequest {
  const { application } = client;
  checkGrantEnabled(application, 'authorization_code');
  const code = required(parameters, 'code', 'missing_code');
  const redirectUri = required(parameters, 'redirect_uri', 'missing_redirect_uri');
  const stored = store.engine.get('AuthorizationCode', code);
  const challenged = stored?.codeChallenge !== undefined;
  const verifier = parameters.get('code_verifier');
  checkClientAuthentication(client, challenged || (stored === undefined && verifier !== undefined));
  if (stored?.clientId !== application.id) throw codeNotFound();
  if (stored.redirectUri !== redirectUri) {
    throw new OAuthError('invalid_request', 'invalid_redirect_uri', `Invalid redirect uri ${redirectUri}`);
  }
  const pkceFree =
    application.oauthConfiguration.proofKeyForCodeExchangePolicy === 'NotRequired' || client.bySecret;
  if (challenged ? verifier === undefined : !pkceFree) {
    throw new OAuthError('invalid_request', 'missing_code_verifier', 'The code_verifier is missing.');
  }
  const authorization = store.authorizations.get(stored.grantId ?? '');
  checkKeyBinding(authorization, jkt);
  const resources = repeatedResources(authorization, parameters, () => {
    // A code whose resources are not repeated is burnt (FusionAuth, trap 1 of the reference).
    store.engine.delete('AuthorizationCode', code);
  });
  return {
    form: definedParameters({
      grant_type: 'authorization_code',
      client_id: application.id,
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
    exchange: { application, resources, scopes: undefined, withinGrace: false, jkt },
  };
}

function repeatedResources(
  authorization: Authorization | undefined,
  parameters: Parameters,
  burn: () => void,
): readonly string[] {
  const authorized = authorization?.resources ?? [];
  const repeated = parameters.resources;
  if (authorized.length === 0) return [];
  const unknown = repeated.find((resource) => !authorized.includes(resource));
  if (repeated.length > 0 && unknown === undefined) return repeated;
  burn();
  throw invalidTarget(
    unknown === undefined
      ? 'The resource of the authorization request has to be repeated in the token request.'
      : `The resource [${unknown}] was not part of the authorization request.`,
  );
}

export function codeNotFound(): OAuthError {
  return new OAuthError('invalid_request', 'auth_code_not_found', 'Invalid Authorization Code');
}
