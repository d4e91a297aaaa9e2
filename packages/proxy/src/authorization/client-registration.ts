import { messageOf } from '@mcp-keyhole/cli-kit';
import type { ServerMetadata } from 'openid-client';
import type { CredentialSource, PreRegisteredClient } from '../option-values.ts';
import { errors, ProxyError, type OAuthErrorDetails } from '../errors.ts';
import type { StoredClient } from '../token-store/token-store.ts';
import type { BoundedFetch, RegisteredClient } from './types.ts';

/** What the configuration says about the client. */
export interface ClientSettings {
  /** Registered by hand. */
  readonly client: PreRegisteredClient | undefined;
  /** Where the client's own metadata document is published (client id metadata document). */
  readonly clientMetadataUrl: URL | undefined;
  /** Merged into a dynamic registration. */
  readonly clientMetadata: Readonly<Record<string, unknown>> | undefined;
  /** The sign-in is on another device. */
  readonly deviceCode: boolean;
  /** A workload's own token is enough: no client has to be registered. */
  readonly workloadToken?: CredentialSource | undefined;
}

/** How the client is known to this authorization server. */
export type ClientPlan =
  | { readonly kind: 'pre-registered' | 'metadata-document' | 'none'; readonly client: RegisteredClient }
  /** Registers at the endpoint, unless `known` was registered with the redirect URI that is used now. */
  | { readonly kind: 'dynamic'; readonly endpoint: URL; readonly known: RegisteredClient | undefined };

/**
 * Chooses in the order that MCP prescribes: registered by hand, client id metadata document, dynamic registration.
 *
 * @param stored what an earlier sign-in at any authorization server left
 * @throws ProxyError `client-not-registered` when none of them is possible; `issuer-changed` when a client registered by
 *   hand would be used at another authorization server than before
 */
export function planClient(
  settings: ClientSettings,
  { issuer, ...metadata }: ServerMetadata,
  stored: { readonly issuer: string; readonly client?: StoredClient | undefined } | undefined,
): ClientPlan {
  const scope = scopeOf(settings.clientMetadata);
  if (settings.client !== undefined) {
    // A client registered by hand is known at one place; at another its id and secret have no business.
    if (stored !== undefined && stored.issuer !== issuer) throw errors.issuerChanged(stored.issuer, issuer);
    return { kind: 'pre-registered', client: settings.client };
  }
  if (
    settings.clientMetadataUrl !== undefined &&
    metadata['client_id_metadata_document_supported'] === true
  ) {
    return { kind: 'metadata-document', client: { clientId: settings.clientMetadataUrl.href, scope } };
  }
  if (settings.workloadToken !== undefined) return { kind: 'none', client: { clientId: '', scope } };
  if (metadata.registration_endpoint === undefined) throw errors.clientNotRegistered(issuer);
  // Credentials are never used at another authorization server than the one that gave them.
  const known =
    stored?.issuer === issuer && stored.client?.registration !== undefined
      ? { ...stored.client, scope }
      : undefined;
  return { kind: 'dynamic', endpoint: new URL(metadata.registration_endpoint), known };
}

interface Registration {
  readonly endpoint: URL;
  readonly authorizationServer: ServerMetadata;
  readonly redirectUri: URL;
  readonly settings: ClientSettings;
  readonly scope: string | undefined;
}

/**
 * Registers Keyhole (RFC 7591) as a native client with this redirect URI. The scope is named, since some servers allow no
 * other afterwards; those that refuse it know only their own scopes, not the resource's, and are asked without.
 *
 * @throws ProxyError `registration-rejected`
 */
export async function registerClient(facts: Registration, fetch: BoundedFetch): Promise<RegisteredClient> {
  const first = await ask(facts, fetch);
  const hasOwnScope = facts.scope !== undefined && scopeOf(facts.settings.clientMetadata) === undefined;
  if ('client' in first) return first.client;
  if (!hasOwnScope || !['invalid_client_metadata', 'invalid_scope'].includes(first.refusal.error)) {
    throw errors.registrationRejected(facts.authorizationServer.issuer, first.refusal);
  }
  const second = await ask({ ...facts, scope: undefined }, fetch);
  if ('client' in second) return second.client;
  throw errors.registrationRejected(facts.authorizationServer.issuer, second.refusal);
}

async function ask(
  facts: Registration,
  fetch: BoundedFetch,
): Promise<{ client: RegisteredClient } | { refusal: OAuthErrorDetails }> {
  const metadata = metadataOf(facts);
  let response: Response;
  try {
    response = await fetch(facts.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(metadata),
    });
  } catch (error) {
    if (error instanceof ProxyError) throw error;
    throw errors.authorizationServerUnreachable(facts.endpoint, messageOf(error), error);
  }
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const client = readRegistration(answer, facts.redirectUri.href);
  if (!response.ok || client === undefined) {
    const error = text(answer['error']) ?? `HTTP ${response.status}`;
    return { refusal: { error, description: text(answer['error_description']) } };
  }
  return {
    client: {
      ...client,
      authenticationMethod: client.authenticationMethod ?? metadata.token_endpoint_auth_method,
      scope: scopeOf(facts.settings.clientMetadata),
      registration: { ...client.registration, scope: text(metadata.scope) },
    },
  };
}

/** What an authorization server answers to a registration (RFC 7591, section 3.2.1); undefined without a client id. */
export function readRegistration(
  answer: Readonly<Record<string, unknown>>,
  redirectUri: string,
): (StoredClient & { readonly registration: NonNullable<StoredClient['registration']> }) | undefined {
  const clientId = text(answer['client_id']);
  if (clientId === undefined) return undefined;
  return {
    clientId,
    clientSecret: text(answer['client_secret']),
    authenticationMethod: text(answer['token_endpoint_auth_method']),
    registration: {
      redirectUri,
      clientUri: text(answer['registration_client_uri']),
      accessToken: text(answer['registration_access_token']),
    },
  };
}

function metadataOf({ authorizationServer, redirectUri, settings, scope }: Registration) {
  return {
    client_name: 'Keyhole',
    redirect_uris: [redirectUri.href],
    application_type: 'native',
    grant_types: [
      'authorization_code',
      'refresh_token',
      ...(settings.deviceCode ? ['urn:ietf:params:oauth:grant-type:device_code'] : []),
    ],
    response_types: ['code'],
    token_endpoint_auth_method: preferredAuthentication(authorizationServer),
    scope,
    ...settings.clientMetadata,
  };
}

/** Public where that is possible; with a secret where the authorization server knows nothing else. */
function preferredAuthentication({ token_endpoint_auth_methods_supported: methods }: ServerMetadata): string {
  // RFC 8414, section 2: left out means client_secret_basic, but servers that leave it out mostly take public clients.
  if (methods === undefined || methods.includes('none')) return 'none';
  return (
    methods.find((method) => method === 'client_secret_basic' || method === 'client_secret_post') ?? 'none'
  );
}

function scopeOf(metadata: Readonly<Record<string, unknown>> | undefined): string | undefined {
  return text(metadata?.['scope']);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
