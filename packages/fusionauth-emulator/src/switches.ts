import { createKey } from './store/keys.ts';
import type { Store } from './store/store.ts';
import type { OAuthConfiguration, RefreshTokenUsagePolicy } from './store/types.ts';

/** What FusionAuth can be like: each switch makes one of the installations that a client may meet. */
export interface Switches {
  /** False answers the paid features (third-party applications, custom scopes) with 400. Default true. */
  readonly licensed?: boolean | undefined;
  /**
   * HS256: the tenant signs with a secret, as FusionAuth does until somebody gives it a key pair: id_tokens with the client's
   * secret, and an empty JWKS. Key pairs of the kickstart are left out; one that is generated later works. Default RS256.
   */
  readonly signing?: 'RS256' | 'HS256' | undefined;
  /** Publishes no key although tokens are signed RS256. Default false. */
  readonly emptyJwks?: boolean | undefined;
  /** The tenant's issuer after the kickstart, such as FusionAuth's default `acme.com`. Default: what the kickstart sets. */
  readonly issuer?: string | undefined;
  /** The policy of applications that name none. Default `Required`, as in FusionAuth. */
  readonly clientAuthentication?: OAuthConfiguration['clientAuthenticationPolicy'] | undefined;
  /** The tenant's policy for refresh tokens after the kickstart. Default: what the kickstart sets. */
  readonly refreshUsage?: RefreshTokenUsagePolicy | undefined;
  /** Under OneTimeUse, for how many seconds a used refresh token is still answered; 0 to 86,400. */
  readonly refreshGrace?: number | undefined;
  /** Asks for nonces in DPoP proofs, as RFC 9449 permits and FusionAuth does not. Default false. */
  readonly dpopNonces?: boolean | undefined;
  /** Before 1.63.0 there is no DPoP, before 1.67.0 no `resource`, before 1.69.0 no `iss` in authorization responses. Default 1.69.0. */
  readonly fusionAuthVersion?: string | undefined;
}

/** Applies the switches that override what a kickstart has set. What the API changes afterwards counts. */
export function applySwitches(store: Store, switches: Switches): void {
  if (switches.issuer !== undefined) store.tenant = { ...store.tenant, issuer: switches.issuer };
  if (switches.signing === 'HS256') signWithSecrets(store);
  const { jwtConfiguration } = store.tenant;
  const { refreshTokenOneTimeUseConfiguration: oneTimeUse } = jwtConfiguration;
  store.tenant = {
    ...store.tenant,
    jwtConfiguration: {
      ...jwtConfiguration,
      refreshTokenUsagePolicy: switches.refreshUsage ?? jwtConfiguration.refreshTokenUsagePolicy,
      refreshTokenOneTimeUseConfiguration: {
        gracePeriodInSeconds: switches.refreshGrace ?? oneTimeUse.gracePeriodInSeconds,
      },
    },
  };
}

function signWithSecrets(store: Store): void {
  for (const { id, algorithm } of store.keys.values()) {
    if (!algorithm.startsWith('HS')) store.keys.delete(id);
  }
  const key =
    store.keys.get(store.defaultSigningKeyId) ??
    createKey({ id: store.defaultSigningKeyId, name: 'Default signing key', algorithm: 'HS256' });
  store.keys.set(key.id, key);
  store.tenant = {
    ...store.tenant,
    jwtConfiguration: { ...store.tenant.jwtConfiguration, accessTokenKeyId: key.id, idTokenKeyId: key.id },
  };
}
