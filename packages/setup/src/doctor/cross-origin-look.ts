import { resourceOf } from '../clients/client.ts';
import type { ClosedOrigin, Discovery, Question, ResourceMetadata } from './facts.ts';
import { exchange } from './http.ts';
import { ownUrl } from './public-look.ts';

/** What a host in a web page does with MCP beyond what a form could: each header of it has to be allowed. */
const mcpHeaders = ['authorization', 'content-type', 'mcp-protocol-version'];

/** What keeps pages of the browser origins from FusionAuth's discovery document and token endpoint. */
export function lookForOriginsClosedAtFusionAuth(
  discovery: Discovery | undefined,
  { publicUrl, browserOrigins }: Question,
): Promise<readonly ClosedOrigin[]> {
  const token = ownUrl(discovery?.tokenEndpoint, publicUrl) ?? `${publicUrl}/oauth2/token`;
  const document = `${publicUrl}/.well-known/openid-configuration`;
  const bindsTokens = (discovery?.proofAlgorithms.length ?? 0) > 0;
  return closedOrigins(browserOrigins, async (origin) => [
    ...(await isRead(document, origin, { method: 'GET' })),
    // A browser sends a form without asking first (Fetch, CORS-safelisted request headers).
    ...(await isRead(token, origin, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=authorization_code',
    })),
    ...(bindsTokens ? await isSent(token, origin, ['dpop']) : []),
  ]);
}

/** What keeps pages of the browser origins from the MCP endpoint. */
export function lookForOriginsClosedAtServer(
  metadata: ResourceMetadata,
  { mcpServerUrl = '', browserOrigins }: Question,
): Promise<readonly ClosedOrigin[]> {
  const endpoint = resourceOf(mcpServerUrl);
  const sent = [...mcpHeaders, ...(metadata.requiresProof ? ['dpop'] : [])];
  const read = ['www-authenticate', ...(metadata.requiresProof ? ['dpop-nonce'] : [])];
  return closedOrigins(browserOrigins, async (origin) => [
    ...(await isRead(endpoint, origin, { method: 'GET', headers: { accept: 'text/event-stream' } }, read)),
    ...(await isSent(endpoint, origin, sent)),
  ]);
}

async function closedOrigins(
  origins: readonly string[],
  examine: (origin: string) => Promise<readonly string[]>,
): Promise<readonly ClosedOrigin[]> {
  const all = await Promise.all(origins.map(async (origin) => ({ origin, why: await examine(origin) })));
  return all.filter(({ why }) => why.length > 0);
}

/** Whether a page may read an answer, and these headers of it. */
async function isRead(
  url: string,
  origin: string,
  request: { method: string; headers?: Record<string, string>; body?: string },
  exposed: readonly string[] = [],
): Promise<readonly string[]> {
  const { headers } = await exchange(url, { ...request, headers: { ...request.headers, origin } });
  const { pathname } = new URL(url);
  if (!names(headers, 'access-control-allow-origin').some((one) => one === '*' || one === origin))
    return [`the answer of ${pathname} cannot be read`];
  const readable = names(headers, 'access-control-expose-headers');
  const hidden = exposed.filter((name) => !readable.includes(name) && !readable.includes('*'));
  return hidden.length === 0 ? [] : [`${spelt(hidden)} of ${pathname} cannot be read`];
}

/** Whether a page may send a POST with these headers, by the question that a browser asks first. */
async function isSent(url: string, origin: string, wanted: readonly string[]): Promise<readonly string[]> {
  const { pathname } = new URL(url);
  const { status, headers } = await exchange(url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': wanted.join(','),
    },
  });
  const allowed = status < 300 ? names(headers, 'access-control-allow-headers') : [];
  // The asterisk does not stand for Authorization (Fetch, CORS-preflight fetch).
  const refused = wanted.filter(
    (name) => !allowed.includes(name) && (name === 'authorization' || !allowed.includes('*')),
  );
  return refused.length === 0 ? [] : [`${spelt(refused)} cannot be sent to ${pathname}`];
}

/** The items of a header that is a list, in lower case. */
function names(headers: Headers, header: string): string[] {
  return (headers.get(header) ?? '').split(',').map((name) => name.trim().toLowerCase());
}

const spelling: Readonly<Record<string, string>> = {
  authorization: 'Authorization',
  'content-type': 'Content-Type',
  dpop: 'DPoP',
  'dpop-nonce': 'DPoP-Nonce',
  'mcp-protocol-version': 'MCP-Protocol-Version',
  'www-authenticate': 'WWW-Authenticate',
};

const spelt = (headers: readonly string[]): string =>
  headers.map((name) => spelling[name] ?? name).join(', ');
