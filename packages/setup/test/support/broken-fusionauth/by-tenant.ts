import { greeting, patchTenant, secretKey, type Break, type Broken } from './broken.ts';

const tenant =
  (settings: object): Break =>
  (scene) =>
    patchTenant(scene, settings);

const tenantTokens = (jwtConfiguration: object): Break => tenant({ jwtConfiguration });

/** Those that settings of the tenant make. */
export const byTenant: readonly Broken[] = [
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
