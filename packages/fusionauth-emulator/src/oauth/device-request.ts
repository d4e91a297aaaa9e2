import type { Context } from '../context.ts';
import { createAuthorization } from './authorizations.ts';
import { checkClientAuthentication, type AuthenticatedClient } from './client-authentication.ts';
import { deleteDeviceGrant, deviceGrantType, findDeviceGrant } from './device-grants.ts';
import { OAuthError } from './oauth-error.ts';
import { definedParameters, type Parameters } from './parameters.ts';
import { checkGrantEnabled, required, type EngineTokenRequest } from './token-rules.ts';

/** Never leaves: the code below is made and exchanged in one request. */
const redirectUri = 'https://device.invalid/';

/**
 * The device grant (RFC 8628 section 3.4). Once the user has agreed, an authorization code of the engine is made and
 * exchanged, so that its tokens come about as all others do.
 *
 * @throws OAuthError
 */
export async function checkDeviceRequest(
  { store, engine }: Context,
  client: AuthenticatedClient,
  parameters: Parameters,
  jkt: string | undefined,
): Promise<EngineTokenRequest> {
  const { application } = client;
  checkClientAuthentication(client, true);
  checkGrantEnabled(application, deviceGrantType);
  const grant = findDeviceGrant(store, required(parameters, 'device_code', 'missing_device_code'));
  if (grant?.applicationId !== application.id) {
    throw new OAuthError(
      'expired_token',
      'invalid_device_code',
      'The device code is not known or has expired.',
    );
  }
  if (grant.denied) {
    deleteDeviceGrant(store, grant);
    throw new OAuthError('access_denied', 'consent_canceled', 'The user did not allow it.');
  }
  if (grant.userId === undefined) {
    throw new OAuthError('authorization_pending', 'authorization_pending', 'The user has not yet agreed.');
  }
  deleteDeviceGrant(store, grant);
  const engineClient = await engine.Client.find(application.id);
  if (engineClient === undefined) throw new Error('The application vanished within one request.');
  const grantId = await createAuthorization(engine, store, {
    userId: grant.userId,
    params: { client_id: application.id },
    scopes: grant.granted,
  });
  const code = new engine.AuthorizationCode({
    accountId: grant.userId,
    client: engineClient,
    grantId,
    redirectUri,
    scope: 'openid',
    authTime: Math.floor(Date.now() / 1_000),
    gty: 'authorization_code',
  });
  const form = { grant_type: 'authorization_code', client_id: application.id, redirect_uri: redirectUri };
  return {
    form: definedParameters({ ...form, code: await code.save() }),
    exchange: {
      application,
      resources: undefined,
      scopes: undefined,
      withinGrace: false,
      jkt,
      grantType: deviceGrantType,
    },
  };
}
