import { exportJWK, generateKeyPair } from 'jose';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { oauthErrorPage } from '../pages/error.ts';
import { jwtConfigurationOf, type Store } from '../store/store.ts';
import type { Application } from '../store/types.ts';
import { fromEngine } from './authorization-response.ts';
import { createEngineAdapter } from './engine-adapter.ts';
import { EngineRequest } from './engine-request.ts';
import { refreshTokenLifetime } from './refresh-tokens.ts';

/** The engine's settings, as far as they do not need the engine itself. */
export async function engineConfiguration(store: Store): Promise<Configuration> {
  // Signs the engine's own id_tokens, which are replaced before they leave; elliptic, since that is quick to make.
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    adapter: createEngineAdapter(store),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    routes: { authorization: '/oauth2/authorize', token: '/oauth2/token' },
    scopes: ['openid'],
    responseTypes: ['code'],
    clientAuthMethods: ['none'],
    extraParams: ['requested_scopes', 'requested_resources', 'requested_jkt', 'locale'],
    pkce: { required: () => false },
    cookies: {
      keys: [store.secrets.get('cookies') ?? ''],
      names: { session: 'fusionauth.sso', interaction: 'fusionauth.login', resume: 'fusionauth.resume' },
      long: { httpOnly: true, sameSite: 'lax', signed: true },
      short: { httpOnly: true, sameSite: 'lax', signed: true },
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      resourceIndicators: { enabled: false },
    },
    findAccount: (_ctx, id) =>
      store.users.get(id)?.active === true ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    // FusionAuth's refresh tokens outlive the SSO session.
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client, code) => {
      const application = store.applications.get(client.clientId);
      const authorization = store.authorizations.get(code.grantId ?? '');
      return (
        application?.oauthConfiguration.generateRefreshTokens === true &&
        application.oauthConfiguration.enabledGrants.includes('refresh_token') &&
        authorization?.scopes.includes('offline_access') === true
      );
    },
    rotateRefreshToken: (ctx) => {
      const application = applicationOf(store, ctx);
      const withinGrace = ctx.req instanceof EngineRequest && ctx.req.exchange?.withinGrace === true;
      return (
        application !== undefined &&
        !withinGrace &&
        jwtConfigurationOf(store, application).refreshTokenUsagePolicy === 'OneTimeUse'
      );
    },
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      IdToken: 60,
      Interaction: 3_600,
      Session: 24 * 3_600,
      Grant: 10 * 365 * 24 * 3_600,
      RefreshToken: (ctx, _token, client) => {
        const application = store.applications.get(client.clientId);
        if (application === undefined) return 1;
        const { RotatedRefreshToken: used } = ctx.oidc.entities;
        return refreshTokenLifetime(
          jwtConfigurationOf(store, application),
          used === undefined ? undefined : { issuedAt: used.iiat ?? used.iat, remaining: used.remainingTTL },
        );
      },
    },
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = oauthErrorPage(fromEngine(out.error, out.error_description));
    },
  };
}

/** The application of a request that the engine is working on. */
export function applicationOf(store: Store, ctx: KoaContextWithOIDC): Application | undefined {
  return store.applications.get(ctx.oidc.client?.clientId ?? '');
}
