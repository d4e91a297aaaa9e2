import type { Request } from 'express';
import type { Context } from '../context.ts';
import { identifyClient } from './client-authentication.ts';
import { checkCodeRequest, codeNotFound } from './code-request.ts';
import { deviceGrantType } from './device-grants.ts';
import { checkDeviceRequest } from './device-request.ts';
import { baseUrl } from './discovery-route.ts';
import { provenKey } from './dpop/proof.ts';
import { OAuthError } from './oauth-error.ts';
import type { Parameters } from './parameters.ts';
import { checkRefreshRequest, refreshTokenNotFound } from './refresh-request.ts';
import type { EngineTokenRequest } from './token-rules.ts';

/**
 * Applies FusionAuth's rules to a token request.
 *
 * @throws OAuthError for the answer
 */
export async function checkTokenRequest(
  context: Context,
  request: Request,
  parameters: Parameters,
): Promise<EngineTokenRequest> {
  const { store } = context;
  parameters.rejectRepeated();
  const client = identifyClient(store, request.get('authorization'), parameters);
  // Before anything is used up: whoever is told to take a nonce comes again with the same code.
  const jkt = await provenKey(context, request, { url: `${baseUrl(request)}/oauth2/token` });
  const grantType = parameters.get('grant_type');
  switch (grantType) {
    case undefined:
      throw new OAuthError('invalid_request', 'missing_grant_type', 'The grant_type is missing.');
    case 'authorization_code':
      return checkCodeRequest(store, client, parameters, jkt);
    case 'refresh_token':
      return checkRefreshRequest(context, client, parameters, jkt);
    case deviceGrantType:
      return checkDeviceRequest(context, client, parameters, jkt);
    default:
      throw new OAuthError(
        'unsupported_grant_type',
        'invalid_grant_type',
        `Invalid grant_type [${grantType}]`,
      );
  }
}

/** What the engine found wrong with a token request that passed the rules above. */
export function tokenErrorFromEngine(refresh: boolean, detail: string | undefined): OAuthError {
  if (detail?.includes('code_verifier') === true) {
    return new OAuthError('invalid_grant', 'invalid_pkce_code_verifier', 'Invalid code_verifier');
  }
  return refresh ? refreshTokenNotFound() : codeNotFound();
}
