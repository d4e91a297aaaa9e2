import type { RequestHandler } from 'express';
import type { JWTPayload } from 'jose';
import { apiKeyOf } from '../admin/api-key.ts';
import type { Context } from '../context.ts';
import { activeApplication, type Store } from '../store/store.ts';
import type { Application } from '../store/types.ts';
import { checkClientAuthentication, identifyClient } from './client-authentication.ts';
import {
  isExpired,
  pendingDeviceGrant,
  saveDeviceGrant,
  secondsLeft,
  type DeviceGrant,
} from './device-grants.ts';
import { formOf } from './form.ts';
import { answering } from './oauth-answer.ts';
import { OAuthError } from './oauth-error.ts';
import { Parameters, splitScope } from './parameters.ts';
import { resolveScopes } from './scopes.ts';
import { checkTenant, required } from './token-rules.ts';
import { clientOf, verifyToken } from './tokens.ts';

/** `GET /oauth2/device/validate`: 200 without a body for a code that a user may go on with; nothing is authenticated. */
export function validateDeviceRoute({ store }: Context): RequestHandler {
  return answering((request) => {
    const parameters = new Parameters(new URL(request.originalUrl, 'http://localhost').searchParams);
    checkTenant(store, parameters);
    const clientId = required(parameters, 'client_id', 'missing_client_id');
    const application = activeApplication(store, clientId);
    if (application === undefined) {
      // 400, not 401: FusionAuth documents no other status of this endpoint.
      throw new OAuthError('invalid_client', 'invalid_client_id', `Invalid client identifier [${clientId}]`);
    }
    grantOf(store, parameters, application);
    return undefined;
  });
}

/** `POST /oauth2/device/user-code`: what a code is about, for a client that authenticates itself or for an API key. */
export function userCodeRoute({ store }: Context): RequestHandler {
  return answering((request) => {
    const parameters = new Parameters(formOf(request));
    checkTenant(store, parameters);
    const grant =
      apiKeyOf(store, request) === undefined
        ? grantOf(store, parameters, authenticated(store, request.get('authorization'), parameters))
        : grantOf(store, parameters);
    return {
      client_id: grant.applicationId,
      expires_in: secondsLeft(grant),
      scope: grant.scopes.filter((scope) => !ofTheDevice.has(scope)).join(' '),
      tenantId: store.tenant.id,
      user_code: required(parameters, 'user_code', 'missing_user_code'),
    };
  });
}

/** `POST /oauth2/device/approve`: connects a device to the user whose access token is sent. */
export function approveDeviceRoute(context: Context): RequestHandler {
  const { store } = context;
  return answering(async (request) => {
    const parameters = new Parameters(formOf(request));
    checkTenant(store, parameters);
    // FusionAuth's client sends its API key here: it is no client authentication, and no harm.
    const authorization = apiKeyOf(store, request) === undefined ? request.get('authorization') : undefined;
    const application = authenticated(store, authorization, parameters);
    const token = required(parameters, 'token', 'missing_token');
    const grant = grantOf(store, parameters, application);
    const claims = await verifyToken(context, token);
    if (claims === undefined) {
      throw new OAuthError('invalid_token', 'access_token_invalid', 'The access token is not valid.');
    }
    const user = store.users.get(claims.sub ?? '');
    if (user?.active !== true) {
      throw new OAuthError('invalid_token', 'user_not_found', 'The user of the access token is not there.');
    }
    saveDeviceGrant(store, { ...grant, userId: user.id, granted: grantedScopes(application, grant, claims) });
    return { deviceGrantStatus: 'Approved', tenantId: store.tenant.id, userId: user.id };
  });
}

/** Scopes that come from the device's request alone: FusionAuth leaves them out of what the user is to be asked. */
const ofTheDevice = new Set(['openid', 'offline_access']);

/**
 * What the device gets. The user's consent to a third-party application is what the token's scopes say, if the token is
 * this application's (our reading: FusionAuth documents that the interactive part asks for the code's scopes).
 *
 * @throws OAuthError `missing_required_scope`
 */
function grantedScopes(application: Application, grant: DeviceGrant, claims: JWTPayload): readonly string[] {
  if (application.oauthConfiguration.relationship === 'FirstParty') return grant.scopes;
  const consented = new Set(
    clientOf(claims) === application.id && typeof claims['scope'] === 'string'
      ? splitScope(claims['scope'])
      : [],
  );
  return resolveScopes(application, grant.scopes)
    .filter(({ name, required: needed }) => {
      const has = ofTheDevice.has(name) || consented.has(name);
      if (needed && !has) {
        throw new OAuthError(
          'invalid_scope',
          'missing_required_scope',
          `The user has not consented to the required scope [${name}].`,
        );
      }
      return has;
    })
    .map(({ name }) => name);
}

function authenticated(store: Store, authorization: string | undefined, parameters: Parameters): Application {
  const client = identifyClient(store, authorization, parameters);
  checkClientAuthentication(client, true);
  return client.application;
}

/** The grant that waits behind a user code, of any application or of this one. @throws OAuthError */
function grantOf(store: Store, parameters: Parameters, application?: Application): DeviceGrant {
  const grant = pendingDeviceGrant(store, required(parameters, 'user_code', 'missing_user_code'));
  if (grant === undefined || (application !== undefined && grant.applicationId !== application.id)) {
    throw new OAuthError('invalid_request', 'invalid_user_code', 'The user code is not known, or was used.');
  }
  if (isExpired(grant)) {
    throw new OAuthError('expired_token', 'user_code_expired', 'The user code has expired.');
  }
  return grant;
}
