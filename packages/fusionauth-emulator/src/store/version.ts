import type { Store } from './store.ts';

/** The FusionAuth version whose behaviour this is, unless a switch asks for an older one. */
export const currentVersion = '1.69.0';

/** What came into FusionAuth's OAuth with which version (its release notes). */
const introduced = {
  /** DPoP (RFC 9449) at the token endpoint. */
  dpop: [1, 63],
  /** `code_challenge_methods_supported` in the discovery document. */
  codeChallengeMethods: [1, 64],
  /** `resource` (RFC 8707) and `authorizedResourceUris`. */
  resource: [1, 67],
  /** `iss` in authorization responses (RFC 9207). */
  issuerIdentification: [1, 69],
} as const;

/** Whether the version that is spoken has a feature. */
export function has(store: Pick<Store, 'version'>, feature: keyof typeof introduced): boolean {
  const [major = 0, minor = 0] = store.version.split('.').map(Number);
  const [sinceMajor, sinceMinor] = introduced[feature];
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
}

export function isVersion(text: string): boolean {
  return /^[1-9]\d?\.\d{1,3}\.\d{1,3}$/u.test(text);
}
