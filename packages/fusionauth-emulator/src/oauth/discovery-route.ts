import type { Request, RequestHandler } from 'express';
import type { Context } from '../context.ts';
import { has } from '../store/version.ts';
import { deviceGrantType } from './device-grants.ts';
import { proofAlgorithms, supportsDpop } from './dpop/proof.ts';
import { publicKeys } from './tokens.ts';

/** The URL that the caller reaches us by. */
export function baseUrl(request: Request): string {
  return `${request.protocol}://${request.get('host') ?? 'localhost'}`;
}

/** `GET /.well-known/openid-configuration`, also below a tenant's id. */
export function discoveryRoute({ store }: Context): RequestHandler<{ tenantId?: string }> {
  return (request, response) => {
    const { tenantId } = request.params;
    if (tenantId !== undefined && tenantId !== store.tenant.id) {
      response.status(404).end();
      return;
    }
    const base = baseUrl(request);
    response.json({
      authorization_endpoint: `${base}/oauth2/authorize`,
      ...(has(store, 'issuerIdentification') ? { authorization_response_iss_parameter_supported: true } : {}),
      backchannel_logout_supported: false,
      claims_supported,
      ...(has(store, 'codeChallengeMethods') ? { code_challenge_methods_supported: ['S256'] } : {}),
      device_authorization_endpoint: `${base}/oauth2/device_authorize`,
      ...(supportsDpop(store) ? { dpop_signing_alg_values_supported: proofAlgorithms } : {}),
      end_session_endpoint: `${base}/oauth2/logout`,
      frontchannel_logout_supported: false,
      grant_types_supported: ['authorization_code', 'refresh_token', deviceGrantType],
      id_token_signing_alg_values_supported: [
        ...['ES256', 'ES384', 'ES512'],
        ...['HS256', 'HS384', 'HS512'],
        ...['RS256', 'RS384', 'RS512'],
      ],
      issuer: store.tenant.issuer,
      jwks_uri: `${base}/.well-known/jwks.json`,
      response_modes_supported: ['form_post', 'fragment', 'query'],
      response_types_supported: ['code'],
      scopes_supported: ['openid', 'offline_access'],
      subject_types_supported: ['public'],
      token_endpoint: `${base}/oauth2/token`,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      userinfo_endpoint: `${base}/oauth2/userinfo`,
      userinfo_signing_alg_values_supported: [],
    });
  };
}

const claims_supported = [
  'applicationId',
  'at_hash',
  'aud',
  'authenticationType',
  'birthdate',
  'email',
  'email_verified',
  'exp',
  'family_name',
  'given_name',
  'iat',
  'iss',
  'jti',
  'middle_name',
  'name',
  'nonce',
  'phone_number',
  'picture',
  'preferred_username',
  'roles',
  'sub',
];

/** `GET /.well-known/jwks.json`: always 200, and without keys that are secrets. */
export function jwksRoute({ store }: Context): RequestHandler {
  return async (_request, response) => {
    response.json({ keys: await publicKeys(store) });
  };
}
