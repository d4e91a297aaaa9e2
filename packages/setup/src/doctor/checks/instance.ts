import type { ReactorStatus } from '@fusionauth/typescript-client';
import { cleanLine, isLoopback } from '@mcp-keyhole/cli-kit';
import { check, type Check } from '../check.ts';
import { certificateChecks } from './certificates.ts';

/** The oldest version that resolves `resource` (RFC 8707). */
const oldestVersion = '1.67.0';
/** How far two clocks may be apart before lifetimes are misjudged; what JWT libraries commonly tolerate. */
const toleratedSkew = 30_000;
/** The same where clients prove their keys: by how much FusionAuth lets the clocks differ for that. */
const toleratedAgeOfProofs = 15_000;

export const instanceChecks: readonly Check[] = [
  check('fusionauth-unreachable', 'wrong', ['silence'], ({ silence, certificates = [] }, { publicUrl }) => {
    // Then that is the reason.
    if (certificates.some(({ url, refusal }) => url === publicUrl && refusal !== undefined)) return undefined;
    return {
      about: publicUrl,
      message: `FusionAuth cannot be asked: ${cleanLine(silence)}.`,
      consequence: 'Neither browsers nor clients reach it.',
      remedy:
        'Start it, or name its addresses: --fusionauth-url is where its API is, --public-url where browsers reach it, --tenant-id the tenant.',
    };
  }),

  check('api-unreachable', 'wrong', ['apiSilence'], (seen, { fusionAuthUrl, publicUrl }) => {
    const { apiSilence, silence, certificates = [] } = seen;
    const isRefused = certificates.some(({ url, refusal }) => url === fusionAuthUrl && refusal !== undefined);
    // Where nothing answers at all, that is said already.
    if (isRefused || (silence !== undefined && fusionAuthUrl === publicUrl)) return undefined;
    return {
      about: fusionAuthUrl,
      message: `FusionAuth's API cannot be asked: ${cleanLine(apiSilence)}.`,
      consequence: 'Most is not looked at, and no client can be registered.',
      remedy:
        'Run this where the API is reached, or name its address with --fusionauth-url, and that of the browsers with --public-url.',
    };
  }),

  check('api-key-refused', 'wrong', ['refusals'], ({ refusals }) => ({
    about: 'API key',
    message: `FusionAuth refuses the key, or these requests with it: ${cleanLine(refusals.join(', '))}.`,
    consequence: 'What it may not see is not looked at, and --fix cannot change it.',
    remedy:
      'Settings → API Keys: a key with GET on /api/system/version, /api/reactor, /api/tenant, /api/key, /api/application, /api/system-configuration and /api/webhook; for --fix also PATCH, and POST on /api/key/generate and /api/application/scope.',
  })),

  check('plain-http', 'wrong', [], (_seen, { publicUrl, mcpServerUrl }) => {
    const open = [publicUrl, mcpServerUrl].filter((url) => url !== undefined && isPlain(url));
    if (open.length === 0) return undefined;
    return {
      about: open.join(' and '),
      message: 'Passwords, codes and tokens travel in the clear.',
      consequence: 'Clients refuse http beyond this machine; Keyhole says insecure-url.',
      remedy:
        'Put TLS before it (deploy/ shows how with Caddy), and give the https address with --public-url or --mcp-server-url.',
    };
  }),

  ...certificateChecks,

  check('clock-skew', 'wrong', ['clock'], ({ clock, metadata }) => {
    const tolerated = metadata?.requiresProof === true ? toleratedAgeOfProofs : toleratedSkew;
    if (Math.abs(clock) <= tolerated) return undefined;
    const seconds = Math.round(Math.abs(clock) / 1_000);
    return {
      about: "FusionAuth's clock",
      message: `It is ${String(seconds)} seconds ${clock > 0 ? 'ahead of' : 'behind'} this machine's.`,
      consequence:
        clock > 0
          ? 'Its tokens are of the future: strict clients and servers refuse them. It refuses proofs of DPoP as too old.'
          : 'Its tokens expire too early, or have expired when they arrive: the sign-in ends at the id_token, requests with a 401. It refuses proofs of DPoP as of the future.',
      remedy: 'Set both clocks by NTP (timedatectl set-ntp true; in a container the clock is the host’s).',
    };
  }),

  check('version-too-old', 'wrong', ['version'], ({ version }) => {
    if (!isTooOld(version)) return undefined;
    return {
      about: `FusionAuth ${cleanLine(version)}`,
      message: `It is older than ${oldestVersion} and ignores the parameter resource (RFC 8707).`,
      consequence: 'Tokens are not for the MCP server, which answers each of them with a 401.',
      remedy: 'Upgrade FusionAuth to 1.69.0 or later.',
    };
  }),

  check('issuer-not-named', 'warning', ['discovery'], ({ discovery, version }) => {
    if (discovery.namesIssuer || isTooOld(version)) return undefined;
    return {
      about: version === undefined ? 'FusionAuth' : `FusionAuth ${cleanLine(version)}`,
      message: 'Authorization responses do not name their issuer (RFC 9207); 1.69.0 is the first that does.',
      consequence:
        'A client of several authorization servers cannot tell whose answer it got (mix-up attack); strict ones refuse it.',
      remedy: 'Upgrade FusionAuth to 1.69.0 or later.',
    };
  }),

  check('pkce-not-announced', 'wrong', ['discovery'], ({ discovery, version }) => {
    if (discovery.pkceMethods.includes('S256') || isTooOld(version)) return undefined;
    return {
      about: 'discovery document',
      message: 'code_challenge_methods_supported does not name S256.',
      consequence: 'MCP clients have to refuse such an authorization server; Keyhole says pkce-unsupported.',
      remedy: 'Upgrade FusionAuth to 1.69.0 or later; a gateway before it must not rewrite the document.',
    };
  }),

  check('license-missing', 'wrong', ['license'], ({ license }) => {
    const features = {
      'third-party applications': license.advancedOAuthScopesThirdPartyApplications,
      'custom scopes': license.advancedOAuthScopesCustomScopes,
    };
    const absent = Object.entries(features).flatMap(([name, status]) =>
      String(status) === 'ACTIVE' ? [] : [name],
    );
    if (license.licensed === true && absent.length === 0) return undefined;
    return {
      about: 'license',
      message: `There is no license for ${absent.length === 0 ? 'anything' : absent.join(' and ')}.`,
      consequence:
        'Clients with a consent page and scopes of their own cannot be made: FusionAuth answers 400 ([notLicensed]).',
      remedy:
        'Activate a license under Reactor, or put it into FUSIONAUTH_LICENSE_KEY before the first start (Essentials or Enterprise plan).',
    };
  }),
];

/** Whether applications may have scopes of their own, a paid feature. */
export function hasCustomScopes({
  licensed,
  advancedOAuthScopesCustomScopes: status,
}: ReactorStatus): boolean {
  return licensed === true && String(status) === 'ACTIVE';
}

function isPlain(url: string): boolean {
  return url.startsWith('http:') && !isLoopback(new URL(url));
}

/** Whether it is known to be older than what we need: a finding that goes before all that it lacks. */
export function isTooOld(version: string | undefined): boolean {
  return version !== undefined && version.localeCompare(oldestVersion, 'en', { numeric: true }) < 0;
}
