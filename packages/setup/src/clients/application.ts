import {
  ClientAuthenticationPolicy,
  GrantType,
  Oauth2AuthorizedURLValidationPolicy,
  OAuthApplicationRelationship,
  OAuthScopeHandlingPolicy,
  ProofKeyForCodeExchangePolicy,
  type ApplicationOAuthScopeRequest,
  type ApplicationRequest,
} from '@fusionauth/typescript-client';

/** What the host asks for: the user's profile, refresh tokens (offline_access), and the one tool's scope. */
export const scope = 'openid profile offline_access get_name';

/** The user that the kickstart creates, for trying things out. */
export const testUser = { email: 'test@example.com', password: 'password' } as const;

/** The URL of the MCP endpoint, which tokens are issued for (RFC 8707), from the server's base URL. */
export function resourceOf(mcpServerUrl: string): string {
  return `${mcpServerUrl}/mcp`;
}

/**
 * Where a sign-in may come back to the proxy, which listens on that port meanwhile. FusionAuth's `ExactMatch` compares the
 * port too, and hosts differ in the name of loopback and in the path: hence four.
 */
export function redirectUrls(callbackPort: number): string[] {
  const origins = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${String(callbackPort)}`);
  return ['/oauth/callback', '/callback'].flatMap((path) => origins.map((origin) => `${origin}${path}`));
}

/** The body that creates the application of one MCP client; the proxy listens on `callbackPort` during a sign-in. */
export function applicationRequest(client: {
  name: string;
  mcpServerUrl: string;
  callbackPort: number;
}): ApplicationRequest {
  return {
    application: {
      name: client.name,
      oauthConfiguration: {
        authorizedRedirectURLs: redirectUrls(client.callbackPort),
        authorizedResourceUris: [resourceOf(client.mcpServerUrl)],
        authorizedURLValidationPolicy: Oauth2AuthorizedURLValidationPolicy.ExactMatch,
        // Not NotRequiredWhenUsingPKCE: with it the refresh grant, which has no PKCE, demands a client secret
        // (FusionAuth/fusionauth-issues #1653, #2173). PKCE stays required by its own policy below.
        clientAuthenticationPolicy: ClientAuthenticationPolicy.NotRequired,
        proofKeyForCodeExchangePolicy: ProofKeyForCodeExchangePolicy.Required,
        enabledGrants: [GrantType.authorization_code, GrantType.refresh_token],
        generateRefreshTokens: true,
        relationship: OAuthApplicationRelationship.ThirdParty,
        scopeHandlingPolicy: OAuthScopeHandlingPolicy.Strict,
      },
    },
  };
}

/** The body that creates the scope which the tool `get_name` requires; the texts stand on the consent page. */
export function scopeRequest(): ApplicationOAuthScopeRequest {
  return {
    scope: {
      name: 'get_name',
      description: "Access the get_name tool to retrieve the authenticated user's name",
      defaultConsentMessage: 'Allow this application to read your name',
      defaultConsentDetail: 'This will share your display name with the requesting application.',
      required: true,
    },
  };
}
