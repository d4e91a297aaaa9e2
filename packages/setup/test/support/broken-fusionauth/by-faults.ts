import { greeting, patchTenant, type Break, type Broken } from './broken.ts';

const fault =
  (...faults: readonly object[]): Break =>
  ({ admin }) =>
    admin('PUT', '/emulator/faults', { faults });

const clockShift =
  (clockShiftSeconds: number): Break =>
  ({ admin }) =>
    admin('PUT', '/emulator/faults', { clockShiftSeconds });

/** Those that faults make: of FusionAuth, its clock, or what stands before it. */
export const byFaults: readonly Broken[] = [
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
    title: 'an API that something keeps away',
    breaks: fault({ kind: 'status', status: 404, path: '/api/' }),
    before: greeting,
    finds: ['api-unreachable'],
    leaves: ['api-unreachable'],
  },
  {
    title: 'a slow token endpoint',
    breaks: fault({ kind: 'slow', milliseconds: 50, path: '/oauth2/token' }),
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
