import {
  ClientAuthenticationPolicy,
  GrantType,
  Oauth2AuthorizedURLValidationPolicy,
  OAuthApplicationRelationship,
  OAuthScopeHandlingPolicy,
  ProofKeyForCodeExchangePolicy,
  type Application,
  type ApplicationOAuthScope,
} from '@fusionauth/typescript-client';
import type { ClientDescription, Marker, ScopeDescription } from './client.ts';

/** The application that FusionAuth has for a client, as it is sent; its scopes are sent one by one. */
export function applicationOf(client: ClientDescription, marker: Marker): Application {
  return {
    name: client.name,
    data: { mcpKeyhole: { ...marker } },
    oauthConfiguration: {
      authorizedRedirectURLs: [...client.redirectUrls],
      authorizedResourceUris: [...client.resources],
      authorizedURLValidationPolicy: Oauth2AuthorizedURLValidationPolicy.ExactMatch,
      // Not NotRequiredWhenUsingPKCE: with it the refresh grant, which has no PKCE, demands a client secret
      // (FusionAuth/fusionauth-issues #1653, #2173). PKCE stays required by its own policy below.
      clientAuthenticationPolicy: client.confidential
        ? ClientAuthenticationPolicy.Required
        : ClientAuthenticationPolicy.NotRequired,
      proofKeyForCodeExchangePolicy: ProofKeyForCodeExchangePolicy.Required,
      enabledGrants: [GrantType.authorization_code, GrantType.refresh_token],
      generateRefreshTokens: true,
      relationship: OAuthApplicationRelationship.ThirdParty,
      scopeHandlingPolicy: OAuthScopeHandlingPolicy.Strict,
    },
  };
}

/** A scope as FusionAuth has it. */
export function applicationScopeOf(scope: ScopeDescription): ApplicationOAuthScope {
  return {
    name: scope.name,
    ...(scope.description === undefined ? {} : { description: scope.description }),
    ...(scope.consentMessage === undefined ? {} : { defaultConsentMessage: scope.consentMessage }),
    ...(scope.consentDetail === undefined ? {} : { defaultConsentDetail: scope.consentDetail }),
    required: scope.required,
  };
}

/** What an application is, seen as a client. */
export function descriptionOf(application: Application): ClientDescription {
  const { oauthConfiguration: oauth = {} } = application;
  return {
    name: application.name ?? '',
    redirectUrls: oauth.authorizedRedirectURLs ?? [],
    resources: oauth.authorizedResourceUris ?? [],
    scopes: (application.scopes ?? []).map((scope) => ({
      name: scope.name ?? '',
      description: scope.description,
      consentMessage: scope.defaultConsentMessage,
      consentDetail: scope.defaultConsentDetail,
      required: scope.required ?? false,
    })),
    confidential: oauth.clientAuthenticationPolicy === ClientAuthenticationPolicy.Required,
  };
}

/** The marker of a client that is ours; undefined for any other application, the portal's own among them. */
export function markerOf({ data }: Application): Marker | undefined {
  const marker: unknown = data?.['mcpKeyhole'];
  if (typeof marker !== 'object' || marker === null || Array.isArray(marker)) return undefined;
  const { set, owner, host, portal } = marker as Record<string, unknown>;
  if (portal !== undefined) return undefined;
  return {
    ...(typeof set === 'string' ? { set } : {}),
    ...(typeof owner === 'string' ? { owner } : {}),
    ...(typeof host === 'string' ? { host } : {}),
  };
}
