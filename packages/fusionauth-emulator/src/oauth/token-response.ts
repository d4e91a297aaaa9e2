import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Context } from '../context.ts';
import { jwtConfigurationOf } from '../store/store.ts';
import type { Exchange } from './engine-request.ts';
import { extendRefreshToken, uuidFor } from './refresh-tokens.ts';
import { signAccessToken, signIdToken, type TokenGrant } from './tokens.ts';

type TokenContext = Pick<Context, 'store' | 'events' | 'faults'>;

/** FusionAuth's answer to a token request. */
export interface TokenResponse {
  readonly access_token: string;
  /** Seconds. */
  readonly expires_in: number;
  readonly id_token?: string;
  readonly refresh_token?: string;
  readonly refresh_token_id?: string;
  readonly scope?: string;
  readonly token_type: 'Bearer' | 'DPoP';
  readonly userId: string;
}

/**
 * The answer to a token request that the engine granted, in FusionAuth's shape: after a refresh there is no `scope`, and
 * a `refresh_token` only when it is another one than was sent.
 */
export async function tokenResponse(
  context: TokenContext,
  ctx: KoaContextWithOIDC,
  exchange: Exchange,
): Promise<TokenResponse> {
  const { store, events } = context;
  const { AuthorizationCode, RefreshToken, RotatedRefreshToken } = ctx.oidc.entities;
  const source = AuthorizationCode ?? RefreshToken;
  const user = store.users.get(source?.accountId ?? '');
  const authorization = store.authorizations.get(source?.grantId ?? '');
  if (source === undefined || user === undefined || authorization === undefined) {
    throw new Error('The engine granted a token without a code, a user or an authorization.');
  }
  const refreshed = AuthorizationCode === undefined;
  const grant: TokenGrant = {
    application: exchange.application,
    user,
    scopes: exchange.scopes ?? authorization.scopes,
    resources: exchange.resources ?? authorization.resources,
    grantTypes: refreshed
      ? ['authorization_code', 'refresh_token']
      : [exchange.grantType ?? 'authorization_code'],
    authenticationType: refreshed ? 'REFRESH_TOKEN' : 'PASSWORD',
    sessionId: uuidFor(source.sessionUid ?? source.grantId ?? ''),
    authTime: source.authTime ?? 0,
    jkt: exchange.jkt,
  };
  if (!refreshed && exchange.jkt !== undefined) {
    store.authorizations.set(authorization.grantId, { ...authorization, jkt: exchange.jkt });
  }
  const access = await signAccessToken(context, grant);
  const refreshToken = RefreshToken?.jti;
  const renewed = !refreshed || RotatedRefreshToken !== undefined || exchange.withinGrace;
  if (refreshToken !== undefined && refreshed && RotatedRefreshToken === undefined) {
    extendRefreshToken(store, jwtConfigurationOf(store, exchange.application), refreshToken);
  }
  if (refreshed) {
    await events.publish('jwt.refresh', {
      applicationId: exchange.application.id,
      refreshToken,
      token: access.token,
      userId: user.id,
    });
  }
  return {
    access_token: access.token,
    expires_in: access.expiresIn,
    ...(grant.scopes.includes('openid')
      ? { id_token: await signIdToken(context, grant, { nonce: source.nonce, accessToken: access.token }) }
      : {}),
    ...(refreshToken !== undefined && renewed ? { refresh_token: refreshToken } : {}),
    ...(refreshToken === undefined ? {} : { refresh_token_id: uuidFor(refreshToken) }),
    ...(refreshed ? {} : { scope: grant.scopes.join(' ') }),
    token_type: grant.jkt === undefined ? 'Bearer' : 'DPoP',
    userId: user.id,
  };
}
