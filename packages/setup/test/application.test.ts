import { describe, expect, it } from 'vitest';
import { applicationRequest, scopeRequest } from '../src/clients/application.ts';

describe('the application of an MCP client', () => {
  it('is a third party with PKCE whose refresh needs no secret', () => {
    expect(
      applicationRequest({ name: 'Cursor', mcpServerUrl: 'https://mcp.example.com', callbackPort: 3335 }),
    ).toEqual({
      application: {
        name: 'Cursor',
        oauthConfiguration: {
          authorizedRedirectURLs: [
            'http://localhost:3335/oauth/callback',
            'http://127.0.0.1:3335/oauth/callback',
            'http://localhost:3335/callback',
            'http://127.0.0.1:3335/callback',
          ],
          authorizedResourceUris: ['https://mcp.example.com/mcp'],
          authorizedURLValidationPolicy: 'ExactMatch',
          clientAuthenticationPolicy: 'NotRequired',
          proofKeyForCodeExchangePolicy: 'Required',
          enabledGrants: ['authorization_code', 'refresh_token'],
          generateRefreshTokens: true,
          relationship: 'ThirdParty',
          scopeHandlingPolicy: 'Strict',
        },
      },
    });
  });

  it("has the guide's scope with its texts", () => {
    expect(scopeRequest()).toEqual({
      scope: {
        name: 'get_name',
        description: "Access the get_name tool to retrieve the authenticated user's name",
        defaultConsentMessage: 'Allow this application to read your name',
        defaultConsentDetail: 'This will share your display name with the requesting application.',
        required: true,
      },
    });
  });
});
