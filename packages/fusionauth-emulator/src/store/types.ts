// The parts of FusionAuth's objects that the emulator acts on. Whatever else a caller sends is kept in `extra` and
// handed back, as it is data to FusionAuth's API and nothing here depends on it.
import type { JsonObject } from '../json.ts';
import type { EventSetting, EventType } from '../webhooks/event-types.ts';

export interface Stamped {
  /** Milliseconds since the epoch, as FusionAuth's API has it. */
  readonly insertInstant: number;
  readonly lastUpdateInstant: number;
}

export type RefreshTokenUsagePolicy = 'Reusable' | 'OneTimeUse';
export type RefreshTokenExpirationPolicy = 'Fixed' | 'SlidingWindow' | 'SlidingWindowWithMaximumLifetime';

export interface JwtConfiguration {
  /** On an application: whether it overrides the tenant's. */
  readonly enabled: boolean;
  readonly accessTokenKeyId: string | undefined;
  readonly idTokenKeyId: string | undefined;
  /** Lifetime of access and id tokens. */
  readonly timeToLiveInSeconds: number;
  readonly refreshTokenTimeToLiveInMinutes: number;
  readonly refreshTokenUsagePolicy: RefreshTokenUsagePolicy;
  readonly refreshTokenExpirationPolicy: RefreshTokenExpirationPolicy;
  readonly refreshTokenOneTimeUseConfiguration: { readonly gracePeriodInSeconds: number };
  readonly refreshTokenSlidingWindowConfiguration: { readonly maximumTimeToLiveInMinutes: number };
  readonly refreshTokenRevocationPolicy: {
    readonly onOneTimeTokenReuse: boolean;
    readonly onPasswordChanged: boolean;
  };
}

export interface Tenant extends Stamped {
  readonly id: string;
  readonly name: string;
  /** The `iss` of every token: a free string. */
  readonly issuer: string;
  readonly jwtConfiguration: JwtConfiguration;
  /** Which events webhooks are told, and how many of them have to agree. */
  readonly eventConfiguration: Readonly<Record<EventType, EventSetting>>;
  readonly extra: JsonObject;
}

/** CORS of the system configuration. */
export interface CorsConfiguration {
  readonly enabled: boolean;
  readonly allowCredentials: boolean;
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly preflightMaxAgeInSeconds: number;
}

export interface Role extends Stamped {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly isDefault: boolean;
  readonly isSuperRole: boolean;
}

export interface Scope extends Stamped {
  readonly id: string;
  readonly applicationId: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly defaultConsentMessage: string | undefined;
  readonly defaultConsentDetail: string | undefined;
  readonly required: boolean;
  readonly data: JsonObject;
}

export interface ProvidedScope {
  readonly enabled: boolean;
  readonly required: boolean;
}

export interface OAuthConfiguration {
  readonly authorizedOriginURLs: readonly string[];
  readonly authorizedRedirectURLs: readonly string[];
  readonly authorizedResourceUris: readonly string[];
  readonly authorizedURLValidationPolicy: 'ExactMatch' | 'AllowWildcards';
  readonly clientAuthenticationPolicy: 'Required' | 'NotRequired' | 'NotRequiredWhenUsingPKCE';
  readonly clientId: string;
  readonly clientSecret: string;
  readonly consentMode: 'AlwaysPrompt' | 'RememberDecision' | 'NeverPrompt';
  readonly deviceVerificationURL: string | undefined;
  readonly enabledGrants: readonly string[];
  readonly generateRefreshTokens: boolean;
  readonly logoutURL: string | undefined;
  readonly proofKeyForCodeExchangePolicy:
    'Required' | 'NotRequired' | 'NotRequiredWhenUsingClientAuthentication';
  readonly providedScopePolicy: Readonly<Record<'address' | 'email' | 'phone' | 'profile', ProvidedScope>>;
  readonly relationship: 'FirstParty' | 'ThirdParty';
  readonly requireRegistration: boolean;
  readonly scopeHandlingPolicy: 'Strict' | 'Compatibility';
  readonly unknownScopePolicy: 'Reject' | 'Allow' | 'Remove';
}

export interface Application extends Stamped {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string;
  readonly active: boolean;
  readonly roles: readonly Role[];
  readonly scopes: readonly Scope[];
  readonly oauthConfiguration: OAuthConfiguration;
  readonly jwtConfiguration: JwtConfiguration | undefined;
  readonly extra: JsonObject;
}

export interface Registration extends Stamped {
  readonly id: string;
  readonly applicationId: string;
  readonly roles: readonly string[];
  readonly extra: JsonObject;
}

export interface User extends Stamped {
  readonly id: string;
  readonly tenantId: string;
  readonly active: boolean;
  readonly email: string | undefined;
  readonly username: string | undefined;
  readonly firstName: string | undefined;
  readonly middleName: string | undefined;
  readonly lastName: string | undefined;
  readonly fullName: string | undefined;
  readonly birthDate: string | undefined;
  readonly imageUrl: string | undefined;
  readonly mobilePhone: string | undefined;
  readonly preferredLanguages: readonly string[];
  readonly timezone: string | undefined;
  readonly verified: boolean;
  /** Derived from the password; the password itself is not kept. */
  readonly passwordHash: string | undefined;
  readonly registrations: readonly Registration[];
  readonly extra: JsonObject;
}

export interface ApiKey {
  readonly key: string;
  readonly description: string | undefined;
  /** By path, the HTTP methods allowed; undefined allows everything. */
  readonly permissions: Readonly<Record<string, readonly string[]>> | undefined;
}

/** How pages look, kept without effect. */
export interface Theme extends Stamped {
  readonly id: string;
  readonly name: string;
  readonly extra: JsonObject;
}

/** Where events are sent. */
export interface Webhook extends Stamped {
  readonly id: string;
  readonly url: string;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Milliseconds. */
  readonly readTimeout: number;
  readonly description: string | undefined;
  /** For all tenants; otherwise for those named. */
  readonly global: boolean;
  readonly tenantIds: readonly string[];
  readonly eventsEnabled: Readonly<Record<string, boolean>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly httpAuthenticationUsername: string | undefined;
  readonly httpAuthenticationPassword: string | undefined;
  readonly signatureConfiguration: { readonly enabled: boolean; readonly signingKeyId: string | undefined };
  readonly data: JsonObject;
}

/** What one authorization granted. The engine's own grant of the same id says only that there is one. */
export interface Authorization {
  readonly grantId: string;
  readonly applicationId: string;
  readonly userId: string;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  /** The thumbprint of the key that its code, then its refresh tokens are bound to (RFC 9449). */
  readonly jkt?: string | undefined;
}
