import { randomUUID } from 'node:crypto';
import {
  ClientAuthenticationPolicy,
  GrantType,
  Oauth2AuthorizedURLValidationPolicy,
  OAuthApplicationRelationship,
  OAuthScopeHandlingPolicy,
  ProofKeyForCodeExchangePolicy,
  type Application,
  type ApplicationRequest,
} from '@fusionauth/typescript-client';
import { errors, SetupError } from '../errors.ts';
import type { FusionAuth } from '../fusionauth.ts';

/** Where an application's data has the URL of its portal; not `mcpKeyhole`, which says that it is a client like others. */
const marker = 'mcpKeyholePortal';

/** The portal as an OAuth client of FusionAuth: confidential, since its secret never leaves the server. */
export interface PortalClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  /** It did not exist before. */
  readonly isNew: boolean;
}

/**
 * Finds the portal's own application by its marker, or registers it. The secret is read from FusionAuth each time, so that
 * none has to be kept here.
 *
 * @param portalUrl the portal's origin, which is the marker
 * @throws SetupError `portal-client-unusable` when somebody changed it so that nobody could sign in
 */
export async function findPortalClient(fusionAuth: FusionAuth, portalUrl: string): Promise<PortalClient> {
  const found = await search(fusionAuth, portalUrl);
  if (found !== undefined) return { ...usable(found, portalUrl), isNew: false };
  const id = randomUUID();
  try {
    await fusionAuth.createApplication(id, requestFor(portalUrl));
  } catch (error) {
    // Another portal with this address has been started at the same time.
    const other = await search(fusionAuth, portalUrl);
    if (!(error instanceof SetupError) || error.code !== 'name-taken' || other === undefined) throw error;
    return { ...usable(other, portalUrl), isNew: false };
  }
  const created = await fusionAuth.readApplication(id);
  return { ...usable(created ?? { id }, portalUrl), isNew: true };
}

async function search(fusionAuth: FusionAuth, portalUrl: string): Promise<Application | undefined> {
  const applications = await fusionAuth.listApplications();
  return applications.find(({ data }) => data?.[marker] === portalUrl);
}

function usable(
  { id = '', active, oauthConfiguration }: Application,
  portalUrl: string,
): Omit<PortalClient, 'isNew'> {
  const { clientId = id, clientSecret, authorizedRedirectURLs, enabledGrants } = oauthConfiguration ?? {};
  const redirectUri = redirectUriOf(portalUrl);
  if (active === false) throw errors.portalClientUnusable(id, 'it is not active');
  if (authorizedRedirectURLs?.includes(redirectUri) !== true) {
    throw errors.portalClientUnusable(id, `it does not allow the redirect URL ${redirectUri}`);
  }
  if (enabledGrants?.includes(GrantType.authorization_code) !== true) {
    throw errors.portalClientUnusable(id, 'the authorization code grant is not enabled');
  }
  if (clientSecret === undefined) {
    throw errors.portalClientUnusable(id, 'the API key does not get to see its client secret');
  }
  return { clientId, clientSecret, redirectUri };
}

const redirectUriOf = (portalUrl: string): string => `${portalUrl}/callback`;

function requestFor(portalUrl: string): ApplicationRequest {
  return {
    application: {
      // Names are unique in a tenant, and there may be several portals.
      name: `MCP client portal at ${portalUrl}`,
      data: { [marker]: portalUrl },
      oauthConfiguration: {
        authorizedRedirectURLs: [redirectUriOf(portalUrl)],
        logoutURL: `${portalUrl}/`,
        authorizedURLValidationPolicy: Oauth2AuthorizedURLValidationPolicy.ExactMatch,
        clientAuthenticationPolicy: ClientAuthenticationPolicy.Required,
        proofKeyForCodeExchangePolicy: ProofKeyForCodeExchangePolicy.Required,
        enabledGrants: [GrantType.authorization_code],
        generateRefreshTokens: false,
        // The company's own page: no consent is asked for, and no license needed.
        relationship: OAuthApplicationRelationship.FirstParty,
        scopeHandlingPolicy: OAuthScopeHandlingPolicy.Strict,
      },
    },
  };
}
