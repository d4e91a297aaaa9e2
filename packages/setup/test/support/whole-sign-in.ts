import * as client from 'openid-client';
import { SignIn, testUser } from '../../../fusionauth-emulator/test/support/client.ts';

/** Where the proxy listens during a sign-in. */
const redirectUri = 'http://localhost:3334/oauth/callback';
const scope = 'openid profile offline_access get_name';

/** A tools/call of get_name that was answered. */
const greeting = 'Hello, Test User!';

/**
 * Signs the test user in as a strict host does: from the server's metadata to the authorization server of exactly that issuer, through the
 * login and consent pages, with PKCE and `resource`, the id_token verified with published keys; calls get_name; refreshes, loses the
 * answer and refreshes again; calls get_name again.
 *
 * @param endpoint the MCP endpoint
 * @returns the greeting, or the step at which it ended and why, such as `token request: invalid_client`
 */
export async function wholeSignIn(endpoint: string, clientId: string): Promise<string> {
  let step = 'metadata';
  try {
    const { origin, pathname } = new URL(endpoint);
    const metadata = await fetch(`${origin}/.well-known/oauth-protected-resource${pathname}`);
    const { authorization_servers: servers } = (await metadata.json()) as { authorization_servers: string[] };

    step = 'discovery';
    const issuer = servers[0] ?? '';
    const document = await fetch(`${issuer}/.well-known/openid-configuration`);
    if (document.status !== 200) return `discovery: HTTP ${String(document.status)}`;
    const authorizationServer = (await document.json()) as client.ServerMetadata;
    if (authorizationServer.issuer !== issuer)
      return `discovery: the issuer is ${authorizationServer.issuer}`;
    if (authorizationServer.code_challenge_methods_supported?.includes('S256') !== true)
      return 'discovery: PKCE is not announced';
    const configuration = new client.Configuration(authorizationServer, clientId, undefined, client.None());
    // Deprecated only to stand out: this is loopback.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    client.allowInsecureRequests(configuration);
    // By itself it is believed, since it comes from the token endpoint.
    client.enableNonRepudiationChecks(configuration);

    step = 'sign-in';
    const verifier = client.randomPKCECodeVerifier();
    const state = client.randomState();
    const request = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope,
      state,
      resource: endpoint,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    const response = await throughPages({ url: issuer, apiKey: undefined }, clientId, request);

    step = 'token request';
    const tokens = await client.authorizationCodeGrant(
      configuration,
      response,
      { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true },
      { resource: endpoint },
    );

    step = 'get_name';
    const first = await callGetName(endpoint, tokens.access_token);
    if (first !== greeting) return `get_name: ${first}`;

    step = 'refresh';
    const { refresh_token: refreshToken } = tokens;
    if (refreshToken === undefined) return 'refresh: there is no refresh token';
    await client.refreshTokenGrant(configuration, refreshToken);
    step = 'refresh after a lost answer';
    const refreshed = await client.refreshTokenGrant(configuration, refreshToken);
    step = 'get_name after a refresh';
    return await callGetName(endpoint, refreshed.access_token);
  } catch (error) {
    const where = error instanceof client.AuthorizationResponseError ? 'authorization response' : step;
    return `${where}: ${reasonOf(error)}`;
  }
}

/** Logs in and allows, as far as the pages ask; gives the authorization response. */
async function throughPages(
  fusionAuth: ConstructorParameters<typeof SignIn>[0],
  clientId: string,
  request: URL,
): Promise<URL> {
  const signIn = new SignIn(fusionAuth, clientId);
  let page = await signIn.browser.open(request);
  if (page.url.pathname.startsWith('/oauth2/login')) page = await signIn.login(page, testUser);
  if (page.url.pathname.startsWith('/oauth2/consent')) page = await signIn.allow(page);
  if (page.left) return page.url;
  const [, alert = 'nothing'] = /role="alert"[^>]*>([^<]*)</u.exec(page.text) ?? [];
  const [, reason = alert] = /error_reason&quot;: &quot;(\w+)/u.exec(page.text) ?? [];
  // A code in brackets says enough.
  throw new Error(`a page says ${/^\[\w+\]/u.exec(reason)?.[0] ?? reason.trim()}`);
}

async function callGetName(endpoint: string, token: string): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'get_name', arguments: {} },
    }),
  });
  const text = await response.text();
  if (response.status !== 200) {
    const [, error = ''] = /error="(\w+)"/u.exec(response.headers.get('www-authenticate') ?? '') ?? [];
    return `HTTP ${String(response.status)} ${error}`.trim();
  }
  const data = /^data: (?<message>.*)$/mu.exec(text)?.groups?.['message'] ?? text;
  const { result } = JSON.parse(data) as { result?: { structuredContent?: { result?: string } } };
  return result?.structuredContent?.result ?? data;
}

/** FusionAuth's finer code where there is one, else OAuth's; else what was answered, or the network's or the library's words. */
function reasonOf(error: unknown): string {
  if (error instanceof client.ResponseBodyError) return finer(error.cause['error_reason'], error.error);
  if (error instanceof client.AuthorizationResponseError)
    return finer(error.cause.get('error_reason'), error.error);
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Response) return `HTTP ${String(cause.status)}`;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
}

const finer = (reason: unknown, error: string): string =>
  typeof reason === 'string' && reason !== 'unknown' ? reason : error;
