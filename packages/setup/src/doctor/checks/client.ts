import {
  ClientAuthenticationPolicy,
  GrantType,
  ProofKeyForCodeExchangePolicy,
} from '@fusionauth/typescript-client';
import { cleanLine } from '@mcp-keyhole/cli-kit';
import { redirectUrls, resourceOf } from '../../clients/client.ts';
import { check, type Check } from '../check.ts';
import { isPublic, matches, nameOf, oauth, patchApplication, setting } from './application.ts';
import { clientConsentChecks } from './client-consent.ts';
import { clientScopeChecks } from './client-scopes.ts';
import { isTooOld } from './instance.ts';
import { tokenSettingsChecks } from './token-settings.ts';

export const clientChecks: readonly Check[] = [
  check('client-absent', 'wrong', ['absentClient'], ({ absentClient, apiSilence }) => {
    // Then nothing is there, since it is not FusionAuth's API that answers.
    if (apiSilence !== undefined) return undefined;
    return {
      about: `client ${absentClient}`,
      message: 'FusionAuth has no application with this client id.',
      consequence: 'FusionAuth shows an error page in place of the login page (invalid_client_id).',
      remedy: 'Register it with mcp-keyhole-setup, and give its client id to the host.',
    };
  }),

  check('client-inactive', 'wrong', ['client'], ({ client }) =>
    client.active === false
      ? {
          about: nameOf(client),
          message: 'The application is not active.',
          consequence: 'FusionAuth shows an error page in place of the login page (invalid_client_id).',
          remedy: 'Applications → Inactive → Reactivate.',
          change: {
            says: ['active: no → yes'],
            requests: [{ method: 'PUT', path: `/api/application/${client.id ?? ''}?reactivate=true` }],
          },
        }
      : undefined,
  ),

  check('client-grants', 'wrong', ['client'], ({ client }) => {
    const enabled = oauth(client).enabledGrants ?? [];
    const needed = [GrantType.authorization_code, GrantType.refresh_token];
    const missing = needed.filter((grant) => !enabled.includes(grant));
    if (missing.length === 0) return undefined;
    return setting(client, {
      message: `Among its enabled grants ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing.`,
      consequence: missing.includes(GrantType.authorization_code)
        ? 'The sign-in ends with unauthorized_client.'
        : 'The sign-in ends with its access token, after an hour: the refresh is refused.',
      remedy: `OAuth → Enabled grants: ${missing.join(', ')}.`,
      set: { enabledGrants: [...enabled, ...missing] },
    });
  }),

  check('client-without-refresh-tokens', 'wrong', ['client'], ({ client }) =>
    oauth(client).generateRefreshTokens === false
      ? setting(client, {
          message: 'No refresh tokens are generated for it.',
          consequence: 'The sign-in ends with its access token, after an hour, and the browser opens again.',
          remedy: 'OAuth → Generate refresh tokens: on.',
          set: { generateRefreshTokens: true },
        })
      : undefined,
  ),

  check('client-authentication', 'wrong', ['client'], ({ client }) => {
    const policy = oauth(client).clientAuthenticationPolicy ?? ClientAuthenticationPolicy.Required;
    if (!isPublic(client) || policy === ClientAuthenticationPolicy.NotRequired) return undefined;
    return setting(client, {
      message: `It runs on users' machines, without a secret, but its client authentication is ${policy}.`,
      consequence:
        policy === ClientAuthenticationPolicy.NotRequiredWhenUsingPKCE
          ? 'Sign-in works, and every refresh fails with client_authentication_missing: the browser opens each hour (FusionAuth/fusionauth-issues #2173).'
          : 'The sign-in ends at the token request, with invalid_client.',
      remedy: 'OAuth → Client authentication: Not required; PKCE: Required.',
      set: { clientAuthenticationPolicy: 'NotRequired', proofKeyForCodeExchangePolicy: 'Required' },
    });
  }),

  check('client-pkce', 'warning', ['client'], ({ client }) => {
    const { proofKeyForCodeExchangePolicy: policy, clientAuthenticationPolicy } = oauth(client);
    if (policy === ProofKeyForCodeExchangePolicy.Required || !isPublic(client)) return undefined;
    // Otherwise client-authentication says it, with the same change.
    if (clientAuthenticationPolicy !== ClientAuthenticationPolicy.NotRequired) return undefined;
    return setting(client, {
      message: `It has no secret, and signs in without PKCE as well (${policy ?? 'NotRequired'}).`,
      consequence: 'Whoever sees a code on its way can use it: another program on the machine, or a log.',
      remedy: 'OAuth → PKCE: Required.',
      set: { proofKeyForCodeExchangePolicy: 'Required' },
    });
  }),

  check('client-redirect-url', 'wrong', ['client'], ({ client }, { callbackPort }) => {
    const urls = oauth(client).authorizedRedirectURLs ?? [];
    const wanted = redirectUrls(callbackPort);
    const allows = (url: string): boolean => urls.some((pattern) => matches(url, pattern, client));
    if (!isPublic(client) || wanted.some(allows)) return undefined;
    return setting(client, {
      message: `A sign-in may not come back to port ${String(callbackPort)}, only to ${urls.map((url) => cleanLine(url)).join(', ') || 'nowhere'}.`,
      consequence: 'FusionAuth shows invalid_redirect_uri in place of the login page. The port counts.',
      remedy: `OAuth → Authorized redirect URLs: ${wanted[0] ?? ''}. Or name the port that its hosts use with --port.`,
      set: { authorizedRedirectURLs: [...urls, ...wanted] },
    });
  }),

  check('client-resource', 'wrong', ['client'], ({ client, version }, { mcpServerUrl }) => {
    if (isTooOld(version)) return undefined;
    const uris = oauth(client).authorizedResourceUris ?? [];
    const resource = mcpServerUrl === undefined ? undefined : resourceOf(mcpServerUrl);
    if (uris.length > 0 && (resource === undefined || uris.includes(resource))) return undefined;
    const trouble = {
      message:
        uris.length === 0
          ? 'It has no resource URI, so that FusionAuth ignores the parameter resource.'
          : `Its resource URIs are ${uris.map((uri) => cleanLine(uri)).join(', ')}, without ${resource ?? ''}.`,
      consequence:
        uris.length === 0
          ? 'Its tokens are not for the MCP server, which answers each with a 401.'
          : 'The sign-in ends with invalid_target.',
      remedy: `OAuth → Authorized resource URIs: ${resource ?? 'the URL of the MCP endpoint, such as https://mcp.example.com/mcp'}.`,
    };
    if (resource === undefined) {
      const remedy = `Applications → ${cleanLine(client.name ?? '')} → ${trouble.remedy}`;
      return { about: nameOf(client), ...trouble, remedy };
    }
    return setting(client, { ...trouble, set: { authorizedResourceUris: [...uris, resource] } });
  }),

  ...clientScopeChecks,

  ...clientConsentChecks,

  ...tokenSettingsChecks('client', (client) =>
    // Only where the application overrides the tenant's.
    client.jwtConfiguration?.enabled === true
      ? {
          about: nameOf(client),
          where: `Applications → ${cleanLine(client.name ?? '')} → JWT`,
          configuration: client.jwtConfiguration,
          request: (jwtConfiguration) => patchApplication(client, { jwtConfiguration }),
        }
      : undefined,
  ),
];
