import { greeting, secretKey, type Break, type Broken } from './broken.ts';

/** Changes the client's OAuth settings. */
const oauth =
  (oauthConfiguration: object): Break =>
  ({ admin }, clientId) =>
    admin('PATCH', `/api/application/${clientId}`, { application: { oauthConfiguration } });

/** Gives the client token settings of its own, by default with the tenant's keys. */
const ownTokens =
  (settings: object): Break =>
  async ({ admin }, clientId) => {
    const { tenants } = await admin<{ tenants: { jwtConfiguration: Record<string, unknown> }[] }>(
      'GET',
      '/api/tenant',
    );
    const { accessTokenKeyId, idTokenKeyId } = tenants[0]?.jwtConfiguration ?? {};
    const jwtConfiguration = { enabled: true, accessTokenKeyId, idTokenKeyId, ...settings };
    return admin('PATCH', `/api/application/${clientId}`, { application: { jwtConfiguration } });
  };

/** Takes scopes away from the client. */
const withoutScopes =
  (...names: readonly string[]): Break =>
  async ({ admin }, clientId) => {
    const { application } = await admin<{ application: { scopes: { id: string; name: string }[] } }>(
      'GET',
      `/api/application/${clientId}`,
    );
    for (const { id, name } of application.scopes) {
      if (names.includes(name)) await admin('DELETE', `/api/application/${clientId}/scope/${id}`);
    }
  };

/** Those that settings of the client make. */
export const byClient: readonly Broken[] = [
  {
    title: 'a secret needed to refresh (trap 2)',
    breaks: oauth({ clientAuthenticationPolicy: 'NotRequiredWhenUsingPKCE' }),
    before: 'refresh: client_authentication_missing',
    finds: ['client-authentication'],
  },
  {
    title: 'a secret needed always',
    breaks: oauth({ clientAuthenticationPolicy: 'Required' }),
    before: 'token request: client_authentication_missing',
    finds: ['client-authentication'],
  },
  {
    title: 'no PKCE needed',
    breaks: oauth({ proofKeyForCodeExchangePolicy: 'NotRequired' }),
    before: greeting,
    finds: ['client-pkce'],
  },
  {
    title: 'no refresh tokens generated',
    breaks: oauth({ generateRefreshTokens: false }),
    before: 'refresh: there is no refresh token',
    finds: ['client-without-refresh-tokens'],
  },
  {
    title: 'no refresh grant',
    breaks: oauth({ enabledGrants: ['authorization_code'] }),
    before: 'refresh: there is no refresh token',
    finds: ['client-grants'],
  },
  {
    title: 'no grant at all',
    breaks: oauth({ enabledGrants: [] }),
    before: 'authorization response: grant_type_disabled',
    finds: ['client-grants'],
  },
  {
    title: 'another callback port',
    breaks: oauth({ authorizedRedirectURLs: ['http://localhost:4444/oauth/callback'] }),
    before: 'sign-in: a page says invalid_redirect_uri',
    finds: ['client-redirect-url'],
  },
  {
    title: 'no redirect URL',
    breaks: oauth({ authorizedRedirectURLs: [] }),
    before: 'sign-in: a page says invalid_redirect_uri',
    finds: ['client-redirect-url'],
  },
  {
    title: 'no resource',
    breaks: oauth({ authorizedResourceUris: [] }),
    before: 'get_name: HTTP 401 invalid_token',
    finds: ['client-resource'],
  },
  {
    title: 'another resource',
    breaks: oauth({ authorizedResourceUris: ['https://elsewhere.example.com/mcp'] }),
    before: 'authorization response: invalid_target',
    finds: ['client-resource'],
  },
  {
    title: 'no scope get_name',
    breaks: withoutScopes('get_name'),
    before: 'authorization response: unknown_scope',
    finds: ['client-scope'],
  },
  {
    title: 'no scope of a tool that is called later',
    breaks: withoutScopes('countdown', 'set_greeting'),
    before: greeting,
    finds: ['client-tool-scope'],
  },
  {
    title: 'the scope profile switched off',
    breaks: oauth({ providedScopePolicy: { profile: { enabled: false } } }),
    before: 'authorization response: unknown_scope',
    finds: ['client-scope'],
  },
  {
    title: 'unknown scopes allowed',
    breaks: oauth({ unknownScopePolicy: 'Allow' }),
    before: greeting,
    finds: ['client-unknown-scopes'],
  },
  {
    title: 'unknown scopes removed',
    breaks: oauth({ unknownScopePolicy: 'Remove' }),
    before: greeting,
    finds: ['client-unknown-scopes'],
  },
  {
    title: 'scopes that mean nothing',
    breaks: oauth({ scopeHandlingPolicy: 'Compatibility' }),
    before: greeting,
    finds: ['client-scope-handling'],
  },
  {
    title: 'first-party, without a consent page',
    breaks: oauth({ relationship: 'FirstParty' }),
    before: greeting,
    finds: ['client-consent'],
  },
  {
    title: 'never asking for consent',
    breaks: oauth({ consentMode: 'NeverPrompt' }),
    before: greeting,
    finds: ['client-consent'],
  },
  {
    title: 'inactive',
    breaks: ({ admin }, clientId) => admin('DELETE', `/api/application/${clientId}`),
    before: 'sign-in: a page says invalid_client_id',
    finds: ['client-inactive'],
  },
  {
    title: 'removed for good',
    breaks: ({ admin }, clientId) => admin('DELETE', `/api/application/${clientId}?hardDelete=true`),
    before: 'sign-in: a page says invalid_client_id',
    finds: ['client-absent'],
    leaves: ['client-absent'],
  },
  {
    title: 'for registered users only',
    async breaks(scene, clientId) {
      await oauth({ requireRegistration: true })(scene, clientId);
      await scene.admin('DELETE', `/api/user/registration/00000000-0000-0000-0000-000000000001/${clientId}`);
    },
    before: 'sign-in: a page says You are not registered for for registered users only.',
    finds: ['client-registration-required'],
    leaves: ['client-registration-required'],
  },
  {
    title: 'keys of its own, secret',
    breaks: secretKey(ownTokens),
    before: 'token request: OAUTH_UNSUPPORTED_OPERATION',
    finds: ['signing-key'],
  },
  {
    title: 'access tokens of its own, of 10 seconds',
    breaks: ownTokens({ timeToLiveInSeconds: 10 }),
    before: greeting,
    finds: ['access-token-lifetime'],
  },
  {
    title: 'refresh tokens of its own, for one use and of an hour',
    breaks: ownTokens({ refreshTokenUsagePolicy: 'OneTimeUse', refreshTokenTimeToLiveInMinutes: 60 }),
    before: 'refresh after a lost answer: refresh_token_not_found',
    finds: ['refresh-lifetime', 'refresh-without-grace'],
  },
];
