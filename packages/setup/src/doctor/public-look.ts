import { resourceOf } from '../clients/client.ts';
import type { Certificate, Discovery, PublishedKey, Question, ResourceMetadata } from './facts.ts';
import { exchange, NotSeen, readCertificate, readObject, type Answer } from './http.ts';

type Json = Readonly<Record<string, unknown>>;

/** FusionAuth's discovery document, as clients see it, and how far its clock is ahead, in milliseconds. */
export async function lookAtDiscovery({
  publicUrl,
  tenantId,
}: Question): Promise<{ discovery: Discovery; skew: number | undefined }> {
  const base = tenantId === undefined ? publicUrl : `${publicUrl}/${tenantId}`;
  const [body, answer] = await readObject(`${base}/.well-known/openid-configuration`);
  const document = body as Json;
  const issuer = text(document['issuer']);
  if (issuer === undefined) throw new NotSeen(`the discovery document of ${base} names no issuer`);
  return {
    discovery: {
      issuer,
      authorizationEndpoint: text(document['authorization_endpoint']),
      tokenEndpoint: text(document['token_endpoint']),
      jwksUri: text(document['jwks_uri']),
      pkceMethods: texts(document['code_challenge_methods_supported']),
      namesIssuer: document['authorization_response_iss_parameter_supported'] === true,
      proofAlgorithms: texts(document['dpop_signing_alg_values_supported']),
    },
    skew: skewOf(answer),
  };
}

/** A Date header tells whole seconds: half of one is added, and half the time that the answer took is taken off. */
function skewOf({ headers, asked, arrived }: Answer): number | undefined {
  const date = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(date) ? undefined : date + 500 - (asked + arrived) / 2;
}

/** The published keys, by the address in the discovery document if it can be asked. */
export async function lookAtJwks(
  discovery: Discovery | undefined,
  { publicUrl }: Question,
): Promise<readonly PublishedKey[]> {
  const url = ownUrl(discovery?.jwksUri, publicUrl) ?? `${publicUrl}/.well-known/jwks.json`;
  const [body] = await readObject(url);
  const { keys } = body as Json;
  if (!Array.isArray(keys)) throw new NotSeen(`${url} is no JWKS document`);
  return (keys as Json[]).map((key) => ({ kid: text(key['kid']), alg: text(key['alg']) }));
}

/** Whether requests reach the two endpoints of a sign-in: sent empty, so that FusionAuth only complains. */
export async function lookForClosedEndpoints(
  discovery: Discovery | undefined,
  { publicUrl }: Question,
): Promise<readonly string[]> {
  if (discovery === undefined) throw new NotSeen('there is no discovery document');
  const { authorizationEndpoint, tokenEndpoint } = discovery;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const asked = await Promise.all([
    complaintOf(ownUrl(authorizationEndpoint, publicUrl) ?? `${publicUrl}/oauth2/authorize`, {
      method: 'GET',
    }),
    complaintOf(ownUrl(tokenEndpoint, publicUrl) ?? `${publicUrl}/oauth2/token`, {
      method: 'POST',
      headers: form,
      body: 'grant_type=authorization_code',
    }),
  ]);
  return asked.filter((complaint) => complaint !== undefined);
}

/** Why it is not FusionAuth that answers: that says 400 or 401 to what is incomplete, or shows a page. */
async function complaintOf(
  url: string,
  request: { method: string; headers?: Record<string, string>; body?: string },
): Promise<string | undefined> {
  try {
    const { status } = await exchange(url, request);
    const isOther = status === 403 || status === 404 || status === 405 || status >= 500;
    return isOther ? `${request.method} ${url} answers HTTP ${String(status)}` : undefined;
  } catch (error) {
    if (error instanceof NotSeen) return error.message;
    throw error;
  }
}

/** The protected resource metadata, at its well-known address (RFC 9728, section 3.1), and the challenge's scopes. */
export async function lookAtMetadata({ mcpServerUrl = '' }: Question): Promise<ResourceMetadata> {
  const endpoint = resourceOf(mcpServerUrl);
  const { origin, pathname } = new URL(endpoint);
  const [[body], challenged] = await Promise.all([
    readObject(`${origin}/.well-known/oauth-protected-resource${pathname}`),
    challengedScopes(endpoint),
  ]);
  const metadata = body as Json;
  const scopes = texts(metadata['scopes_supported']);
  return {
    resource: text(metadata['resource']),
    authorizationServers: texts(metadata['authorization_servers']),
    scopes,
    initialScopes: challenged ?? scopes,
    requiresProof: metadata['dpop_bound_access_tokens_required'] === true,
  };
}

/** What the challenge of a request without a token asks for (RFC 6750, section 3); undefined when it says nothing of that. */
async function challengedScopes(endpoint: string): Promise<string[] | undefined> {
  try {
    const { status, headers } = await exchange(endpoint, { headers: { accept: 'text/event-stream' } });
    if (status !== 401) return undefined;
    const [, scope] = /\bscope="([^"]*)"/u.exec(headers.get('www-authenticate') ?? '') ?? [];
    return scope?.split(' ').filter((word) => word !== '');
  } catch (error) {
    if (error instanceof NotSeen) return undefined;
    throw error;
  }
}

/** The certificates of all addresses that are https. That one does not answer is said by those who ask it for more. */
export async function lookAtCertificates(question: Question): Promise<readonly Certificate[]> {
  const { publicUrl, fusionAuthUrl, mcpServerUrl } = question;
  const urls = [publicUrl, fusionAuthUrl, ...(mcpServerUrl === undefined ? [] : [mcpServerUrl])];
  const secure = [...new Set(urls)].filter((url) => url.startsWith('https:'));
  const all = await Promise.all(
    secure.map((url) =>
      readCertificate(url).catch((error: unknown) => {
        if (error instanceof NotSeen) return undefined;
        throw error;
      }),
    ),
  );
  return all.filter((certificate) => certificate !== undefined);
}

/** An address that the document names, unless it leads elsewhere, which is a finding of its own. */
export function ownUrl(url: string | undefined, publicUrl: string): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  return new URL(url).origin === new URL(publicUrl).origin ? url : undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
