import { randomBytes } from 'node:crypto';
import { eventTypes, type EventSetting, type EventType } from '../webhooks/event-types.ts';
import type { CorsConfiguration, JwtConfiguration, OAuthConfiguration } from './types.ts';

/** A new tenant's token settings. */
export const defaultJwtConfiguration: JwtConfiguration = {
  enabled: true,
  accessTokenKeyId: undefined,
  idTokenKeyId: undefined,
  timeToLiveInSeconds: 3_600,
  refreshTokenTimeToLiveInMinutes: 43_200,
  refreshTokenUsagePolicy: 'Reusable',
  refreshTokenExpirationPolicy: 'Fixed',
  refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: 0 },
  refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: 43_200 },
  refreshTokenRevocationPolicy: { onOneTimeTokenReuse: false, onPasswordChanged: true },
};

/** A new tenant's events: none is sent until somebody enables it. */
export const defaultEventConfiguration = Object.fromEntries(
  eventTypes.map((type) => [type, { enabled: false, transactionType: 'None' }]),
) as Record<EventType, EventSetting>;
/** CORS is off. */
export const defaultCors: CorsConfiguration = {
  enabled: false,
  allowCredentials: false,
  allowedOrigins: [],
  allowedMethods: ['GET', 'POST', 'OPTIONS'],
  allowedHeaders: [],
  exposedHeaders: [],
  preflightMaxAgeInSeconds: 0,
};

/** A new application's OAuth settings. */
export function defaultOAuthConfiguration(clientId: string): OAuthConfiguration {
  const provided = { enabled: true, required: false };
  return {
    authorizedOriginURLs: [],
    authorizedRedirectURLs: [],
    authorizedResourceUris: [],
    authorizedURLValidationPolicy: 'ExactMatch',
    clientAuthenticationPolicy: 'Required',
    clientId,
    clientSecret: randomBytes(32).toString('base64url'),
    consentMode: 'AlwaysPrompt',
    deviceVerificationURL: undefined,
    enabledGrants: ['authorization_code', 'refresh_token'],
    generateRefreshTokens: true,
    logoutURL: undefined,
    proofKeyForCodeExchangePolicy: 'NotRequired',
    providedScopePolicy: { address: provided, email: provided, phone: provided, profile: provided },
    relationship: 'FirstParty',
    requireRegistration: false,
    scopeHandlingPolicy: 'Strict',
    unknownScopePolicy: 'Reject',
  };
}

/** The id of the theme that every FusionAuth has, from which others are made. */
export const defaultThemeId = '75a068fd-e94b-451a-9aeb-3ddb9a3b5987';
