import { cleanLine } from '@mcp-keyhole/cli-kit';
import { check, type Check } from '../check.ts';
import type { AllFacts, Question } from '../facts.ts';
import type { ApiRequest } from '../finding.ts';
import { isPublicKey, keyTrouble, tokenSettingsChecks, unverifiable } from './token-settings.ts';

export const tenantChecks: readonly Check[] = [
  check('issuer-mismatch', 'wrong', ['discovery'], ({ discovery, tenant }, question) => {
    if (isOwnIssuer(discovery.issuer, question)) return undefined;
    const { publicUrl } = question;
    const shown = JSON.stringify(cleanLine(discovery.issuer));
    const change = {
      says: [`tenant.issuer: ${shown} → ${JSON.stringify(publicUrl)}`],
      requests: [patchTenant(tenant?.id, { issuer: publicUrl })],
    };
    return {
      about: nameOf(tenant),
      message:
        discovery.issuer === 'acme.com'
          ? `The issuer is still "acme.com", FusionAuth's default, not the public URL ${publicUrl}.`
          : `The issuer is ${shown}, not the public URL ${publicUrl}.`,
      consequence:
        'Clients look for the authorization server by its issuer and refuse one of another name; the server refuses the iss of every token.',
      remedy: `Tenants → ${shortNameOf(tenant)} → General → Issuer: ${publicUrl}, without a slash at its end.`,
      ...(tenant === undefined ? {} : { change }),
    };
  }),

  check('endpoints-elsewhere', 'wrong', ['discovery'], ({ discovery }, { publicUrl }) => {
    const { origin } = new URL(publicUrl);
    const { authorizationEndpoint, tokenEndpoint, jwksUri } = discovery;
    const strange = [authorizationEndpoint, tokenEndpoint, jwksUri].find(
      (url) => url !== undefined && (!URL.canParse(url) || new URL(url).origin !== origin),
    );
    if (strange === undefined) return undefined;
    return {
      about: 'discovery document',
      message: `It was asked for at ${publicUrl}, but names ${cleanLine(strange)}.`,
      consequence:
        'Browsers and clients are sent where they cannot go, or to another origin than the issuer.',
      remedy:
        'FusionAuth makes these from the request: let the proxy before it pass Host on, or set X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-Port, and trust it under Settings → System → Networking.',
    };
  }),

  check('endpoint-closed', 'wrong', ['closedEndpoints'], ({ closedEndpoints }) => {
    if (closedEndpoints.length === 0) return undefined;
    return {
      about: 'endpoints',
      message: `Requests of every sign-in fail: ${closedEndpoints.map((one) => cleanLine(one)).join('; ')}.`,
      consequence:
        'Without the authorization endpoint no login page appears; without the token endpoint the sign-in ends after it.',
      remedy:
        'Let GET and POST on /oauth2/ through whatever stands before FusionAuth, to everybody. Where that is not the reason, its own log tells why it fails.',
    };
  }),

  check('jwks-missing', 'wrong', ['jwksFailure', 'discovery'], ({ jwksFailure }) => ({
    about: 'JWKS document',
    message: `The published keys cannot be had: ${cleanLine(jwksFailure)}.`,
    consequence: unverifiable,
    remedy: 'Let GET /.well-known/jwks.json through whatever stands before FusionAuth, to everybody.',
  })),

  check('webhook-decides', 'warning', ['decidingWebhooks', 'tenant'], ({ decidingWebhooks, tenant }) => {
    if (decidingWebhooks.length === 0) return undefined;
    return {
      about: nameOf(tenant),
      message: `Each login waits for the consent of a webhook: ${decidingWebhooks.map((url) => cleanLine(url)).join(', ')}.`,
      consequence: 'When too few of them answer with 200, nobody logs in.',
      remedy: `Tenants → ${shortNameOf(tenant)} → Webhooks → user.login.success: no transaction. Where they shall decide: --ignore webhook-decides.`,
    };
  }),

  // As far as it shows without an API key.
  check('signing-key', 'wrong', ['jwks'], ({ jwks, tenant, keys }) => {
    const told = tenant !== undefined && keys !== undefined;
    if (told || jwks.some(isPublicKey)) return undefined;
    return keyTrouble(['access tokens', 'id tokens'], { about: nameOf(tenant), where: 'Tenants → JWT' });
  }),

  ...tokenSettingsChecks('tenant', (tenant) => ({
    about: nameOf(tenant),
    where: `Tenants → ${shortNameOf(tenant)} → JWT`,
    configuration: tenant.jwtConfiguration ?? {},
    request: (jwtConfiguration) => patchTenant(tenant.id, { jwtConfiguration }),
  })),
];

function nameOf(tenant: AllFacts['tenant'] | undefined): string {
  return `tenant ${cleanLine(tenant?.name ?? '')}`.trim();
}

/** As FusionAuth's pages list it. */
const shortNameOf = (tenant: AllFacts['tenant'] | undefined): string =>
  cleanLine(tenant?.name ?? 'your tenant');

function patchTenant(id: string | undefined, tenant: object): ApiRequest {
  return { method: 'PATCH', path: `/api/tenant/${id ?? ''}`, body: { tenant } };
}

/** The public URL, or that with the tenant's id, below which FusionAuth serves its document as well. */
export function isOwnIssuer(issuer: string, { publicUrl, tenantId }: Question): boolean {
  return issuer === publicUrl || (tenantId !== undefined && issuer === `${publicUrl}/${tenantId}`);
}
