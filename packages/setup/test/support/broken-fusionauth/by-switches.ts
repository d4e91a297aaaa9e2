import { greeting, type Broken, type MakeClient } from './broken.ts';

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
export const bySwitches: readonly Broken[] = [
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
