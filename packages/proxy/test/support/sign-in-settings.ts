import type { AuthorizationContext } from '../../src/authorization/authorize.ts';
import { createReadCredential, type ReadCredential } from '../../src/credential.ts';

type SignInSettings = AuthorizationContext['config'];

/** The settings of a sign-in as the command line's defaults make them, with a deadline of 15 s, changed as told. */
export function signInSettings(changes: Partial<SignInSettings> = {}): SignInSettings {
  return {
    client: undefined,
    clientMetadata: undefined,
    clientMetadataUrl: undefined,
    clientCredentials: false,
    clientKey: undefined,
    clientKeyId: undefined,
    clientAssertionAudience: undefined,
    clientAuthentication: undefined,
    dpop: 'auto',
    tokenEndpointCert: undefined,
    workloadToken: undefined,
    identityProvider: undefined,
    identityProviderClient: undefined,
    identityToken: undefined,
    deviceCode: false,
    tokenEndpoint: undefined,
    allowHttp: false,
    host: 'localhost',
    callbackPort: 3334,
    callbackPath: '/oauth/callback',
    successUrl: undefined,
    signInTimeout: 15_000,
    resource: undefined,
    withoutResource: false,
    authorizeParameters: [],
    environment: {},
    ...changes,
  };
}

/** Reads credentials from files and from this environment; there are no secrets. */
export function readCredentialIn(environment: Record<string, string | undefined>): ReadCredential {
  return createReadCredential(environment, () =>
    Promise.resolve({ kind: 'file', load: () => Promise.resolve(undefined) }),
  );
}
