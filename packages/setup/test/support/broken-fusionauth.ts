import type { EmulatorOptions } from '@mcp-keyhole/fusionauth-emulator';
import { randomUUID } from 'node:crypto';
import type { DoctorScene } from './doctor-scene.ts';

/** What a whole sign-in ends with when nothing is wrong. */
export const greeting = 'Hello, Test User!';

type Break = (scene: DoctorScene, clientId: string) => Promise<unknown>;
type MakeClient = (scene: DoctorScene, name: string) => Promise<string>;

/** A FusionAuth that is broken in one way, or a client of it. */
export interface Broken {
  readonly title: string;
  /** Which switches break it: it gets an emulator of its own. */
  readonly switches?: EmulatorOptions;
  /** The client that signs in. Default: one that the setup tool registers. */
  readonly client?: MakeClient;
  /** What an administrator does to it, or a fault. */
  readonly breaks?: Break;
  /** Undoes that, where the doctor cannot; faults end by themselves. */
  readonly mends?: (scene: DoctorScene) => Promise<unknown>;
  /** What a sign-in does before; `{url}` stands for FusionAuth's. */
  readonly before: string;
  readonly finds: readonly string[];
  /** What `--fix` leaves, since the API cannot change it; by default nothing. */
  readonly leaves?: readonly string[];
}

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

async function patchTenant({ admin }: DoctorScene, tenant: object): Promise<unknown> {
  const { tenants } = await admin<{ tenants: { id: string }[] }>('GET', '/api/tenant');
  return admin('PATCH', `/api/tenant/${tenants[0]?.id ?? ''}`, { tenant });
}

const tenant =
  (settings: object): Break =>
  (scene) =>
    patchTenant(scene, settings);

const tenantTokens = (jwtConfiguration: object): Break => tenant({ jwtConfiguration });

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

const fault =
  (...faults: readonly object[]): Break =>
  ({ admin }) =>
    admin('PUT', '/emulator/faults', { faults });

const clockShift =
  (clockShiftSeconds: number): Break =>
  ({ admin }) =>
    admin('PUT', '/emulator/faults', { clockShiftSeconds });

/** A secret key, and who signs with it. */
const secretKey =
  (use: (keys: object) => Break): Break =>
  async (scene, clientId) => {
    const id = randomUUID();
    await scene.admin('POST', `/api/key/generate/${id}`, { key: { algorithm: 'HS256', name: id } });
    await use({ accessTokenKeyId: id, idTokenKeyId: id })(scene, clientId);
  };

/** An application as somebody makes it by hand, without the setup tool. */
const byHand =
  (settings: object, scopes: readonly string[] = []): MakeClient =>
  async ({ admin, endpoint }, name) => {
    const { application } = await admin<{ application: { id: string } }>('POST', '/api/application', {
      application: {
        name,
        oauthConfiguration: {
          authorizedRedirectURLs: ['http://localhost:3334/oauth/callback'],
          authorizedResourceUris: [endpoint],
          proofKeyForCodeExchangePolicy: 'Required',
          ...settings,
        },
      },
    });
    for (const scope of scopes)
      await admin('POST', `/api/application/${application.id}/scope`, { scope: { name: scope } });
    return application.id;
  };

/** Those that the emulator's switches make. */
const bySwitches: readonly Broken[] = [
  { title: 'nothing', switches: {}, before: greeting, finds: [] },
  { title: 'nonces asked for in DPoP proofs', switches: { dpopNonces: true }, before: greeting, finds: [] },
  {
    title: 'issuer acme.com',
    switches: { issuer: 'acme.com' },
    before: 'discovery: the issuer is acme.com',
    finds: ['issuer-mismatch'],
  },
  {
    title: 'tokens signed with HS256',
    switches: { signing: 'HS256' },
    before: 'token request: OAUTH_UNSUPPORTED_OPERATION',
    finds: ['signing-key'],
  },
  {
    title: 'refresh tokens for one use, without grace',
    switches: { refreshUsage: 'OneTimeUse' },
    before: 'refresh after a lost answer: refresh_token_not_found',
    finds: ['refresh-without-grace'],
  },
  {
    title: 'refresh tokens for one use, with grace',
    switches: { refreshUsage: 'OneTimeUse', refreshGrace: 60 },
    before: greeting,
    finds: [],
  },
  {
    title: 'applications that name no policy need a secret to refresh (trap 2)',
    switches: { clientAuthentication: 'NotRequiredWhenUsingPKCE' },
    client: byHand({ relationship: 'ThirdParty' }, ['get_name', 'set_greeting', 'countdown']),
    before: 'refresh: client_authentication_missing',
    finds: ['client-authentication'],
  },
  {
    title: 'no published keys',
    switches: { emptyJwks: true },
    before: 'token request: OAUTH_KEY_SELECTION_FAILED',
    finds: ['jwks-incomplete'],
    leaves: ['jwks-incomplete'],
  },
  {
    title: 'no license',
    switches: { licensed: false },
    client: byHand({ clientAuthenticationPolicy: 'NotRequired' }),
    before: 'authorization response: unknown_scope',
    finds: ['license-missing', 'client-scope', 'client-tool-scope'],
    leaves: ['license-missing', 'client-scope', 'client-tool-scope'],
  },
  {
    title: 'version 1.62, without PKCE announced',
    switches: { fusionAuthVersion: '1.62.0' },
    before: 'discovery: PKCE is not announced',
    finds: ['version-too-old'],
    leaves: ['version-too-old'],
  },
  {
    title: 'version 1.66, without resource',
    switches: { fusionAuthVersion: '1.66.0' },
    before: 'get_name: HTTP 401 invalid_token',
    finds: ['version-too-old'],
    leaves: ['version-too-old'],
  },
  {
    title: 'version 1.68, without iss',
    switches: { fusionAuthVersion: '1.68.0' },
    before: greeting,
    finds: ['issuer-not-named'],
    leaves: ['issuer-not-named'],
  },
];

const byTenant: readonly Broken[] = [
  {
    title: 'issuer with a slash at its end',
    breaks: (scene) => patchTenant(scene, { issuer: `${scene.emulator.url}/` }),
    before: 'discovery: the issuer is {url}/',
    finds: ['issuer-mismatch'],
  },
  {
    title: 'both keys of the tenant secret',
    breaks: secretKey(tenantTokens),
    before: 'token request: OAUTH_UNSUPPORTED_OPERATION',
    finds: ['signing-key'],
  },
  {
    title: 'access tokens of 10 seconds',
    breaks: tenantTokens({ timeToLiveInSeconds: 10 }),
    before: greeting,
    finds: ['access-token-lifetime'],
  },
  {
    title: 'refresh tokens of an hour',
    breaks: tenantTokens({ refreshTokenTimeToLiveInMinutes: 60 }),
    before: greeting,
    finds: ['refresh-lifetime'],
  },
  {
    title: 'refresh tokens of an hour, however often they are used',
    breaks: tenantTokens({
      refreshTokenExpirationPolicy: 'SlidingWindowWithMaximumLifetime',
      refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 60 },
    }),
    before: greeting,
    finds: ['refresh-lifetime'],
  },
  {
    title: 'refresh tokens for one use, and all revoked by a second',
    breaks: tenantTokens({
      refreshTokenUsagePolicy: 'OneTimeUse',
      refreshTokenRevocationPolicy: { onOneTimeTokenReuse: true },
    }),
    before: 'refresh after a lost answer: refresh_token_not_found',
    finds: ['refresh-without-grace'],
  },
  {
    title: 'a webhook that has a say and does not answer',
    async breaks(scene) {
      const login = 'user.login.success';
      await patchTenant(scene, {
        eventConfiguration: { events: { [login]: { enabled: true, transactionType: 'AbsoluteMajority' } } },
      });
      await scene.admin('POST', '/api/webhook', {
        webhook: {
          url: 'http://127.0.0.1:1/events',
          global: true,
          connectTimeout: 500,
          readTimeout: 500,
          eventsEnabled: { [login]: true },
        },
      });
    },
    mends: (scene) =>
      patchTenant(scene, {
        eventConfiguration: { events: { 'user.login.success': { enabled: false, transactionType: 'None' } } },
      }),
    before: 'sign-in: a page says [WebhookTransactionException]',
    finds: ['webhook-decides'],
    leaves: ['webhook-decides'],
  },
];

const byClient: readonly Broken[] = [
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

const byFaults: readonly Broken[] = [
  {
    title: 'it refuses connections',
    breaks: fault({ kind: 'refuse' }),
    before: 'discovery: UND_ERR_SOCKET',
    finds: ['fusionauth-unreachable'],
    leaves: ['fusionauth-unreachable'],
  },
  {
    title: 'its pages and documents answer 503',
    breaks: fault(
      { kind: 'status', status: 503, path: '/.well-known/' },
      { kind: 'status', path: '/oauth2/' },
    ),
    before: 'discovery: HTTP 503',
    finds: ['fusionauth-unreachable'],
    leaves: ['fusionauth-unreachable'],
  },
  {
    title: 'a gateway that lets the token endpoint through to nobody',
    breaks: fault({ kind: 'status', status: 403, path: '/oauth2/token' }),
    before: 'token request: HTTP 403',
    finds: ['endpoint-closed'],
    leaves: ['endpoint-closed'],
  },
  {
    title: 'a gateway that lets the login page through to nobody',
    breaks: fault({ kind: 'refuse', path: '/oauth2/authorize' }),
    before: 'sign-in: UND_ERR_SOCKET',
    finds: ['endpoint-closed'],
    leaves: ['endpoint-closed'],
  },
  {
    title: 'no JWKS document',
    breaks: fault({ kind: 'status', status: 404, path: '/.well-known/jwks.json' }),
    before: 'token request: HTTP 404',
    finds: ['jwks-missing'],
    leaves: ['jwks-missing'],
  },
  {
    title: 'an API that refuses to be changed',
    async breaks(scene) {
      await patchTenant(scene, { issuer: 'acme.com' });
      await fault({ kind: 'status', status: 403, method: 'PATCH' })(scene, '');
    },
    mends: (scene) => patchTenant(scene, { issuer: scene.emulator.url }),
    before: 'discovery: the issuer is acme.com',
    finds: ['issuer-mismatch'],
    leaves: ['issuer-mismatch'],
  },
  {
    title: 'a slow token endpoint',
    breaks: fault({ kind: 'slow', milliseconds: 200, path: '/oauth2/token' }),
    before: greeting,
    finds: [],
  },
  {
    title: 'a clock that is 2 minutes ahead',
    breaks: clockShift(120),
    before: greeting,
    finds: ['clock-skew'],
    leaves: ['clock-skew'],
  },
  {
    title: 'a clock that is 2 hours behind',
    breaks: clockShift(-7_200),
    before: 'token request: OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
    finds: ['clock-skew'],
    leaves: ['clock-skew'],
  },
  {
    title: 'everything revoked',
    breaks: ({ admin }) => admin('POST', '/emulator/revoke-everything'),
    before: greeting,
    finds: [],
  },
  {
    title: 'keys rotated, and what they signed forgotten',
    breaks: ({ admin }) => admin('POST', '/emulator/rotate-keys', { forget: true }),
    before: greeting,
    finds: [],
  },
];

/** Every FusionAuth that the emulator's switches, its API and its faults break. */
export const broken = { bySwitches, byTenant, byClient, byFaults } as const;
