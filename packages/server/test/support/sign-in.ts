import { createHash, randomBytes } from 'node:crypto';
import { FusionAuthClient } from '@fusionauth/typescript-client';

/** FusionAuth, or what stands in for it. */
export interface AuthorizationServer {
  readonly url: string;
  readonly apiKey: string;
}

/** Whom the login page is told. */
export interface Credentials {
  readonly loginId: string;
  readonly password: string;
}

/** The kickstart's. */
const testUser: Credentials = { loginId: 'test@example.com', password: 'password' };

const redirectUri = 'http://localhost:3334/oauth/callback';
const scope = 'openid profile get_name';

/** Registers an MCP client as FusionAuth's guide does. @returns the client id */
export async function registerClient(
  { url, apiKey }: AuthorizationServer,
  resource: string,
): Promise<string> {
  const client = new FusionAuthClient(apiKey, url);
  const id = crypto.randomUUID();
  await client.createApplication(id, {
    application: {
      name: `Test host ${id}`,
      oauthConfiguration: {
        authorizedRedirectURLs: [redirectUri],
        authorizedResourceUris: [resource],
        enabledGrants: ['authorization_code', 'refresh_token'],
        clientAuthenticationPolicy: 'NotRequired',
        proofKeyForCodeExchangePolicy: 'Required',
        relationship: 'ThirdParty',
        scopeHandlingPolicy: 'Strict',
      },
    } as never,
  });
  await client.createOAuthScope(id, '', { scope: { name: 'get_name', required: true } });
  return id;
}

/**
 * Signs a user in as a browser without scripts would, through login and consent, and gets an access token.
 *
 * @param resource the resource to ask for; undefined asks for none
 * @param user by default the test user
 */
export async function signIn(
  server: AuthorizationServer,
  clientId: string,
  resource: string | undefined,
  user = testUser,
): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const request = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'state',
    ...(resource === undefined ? {} : { resource }),
  });
  const end = await walkForms(`${server.url}/oauth2/authorize?${request.toString()}`, user);
  const code = end.searchParams.get('code');
  if (code === null) throw new Error(`The sign-in ended with ${end.search}`);
  const response = await fetch(`${server.url}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code,
      code_verifier: verifier,
      ...(resource === undefined ? {} : { resource }),
    }),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`No token: ${JSON.stringify(answer)}`);
  return answer.access_token;
}

/** Follows redirects and submits forms until the redirect URI is reached. */
async function walkForms(start: string, user: Credentials): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 20; step += 1) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/u.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) {
      form = filledForm(await response.text(), user);
      continue;
    }
    url = new URL(location, url);
    form = undefined;
    if (url.href.startsWith(redirectUri)) return url;
  }
  throw new Error(`The sign-in did not come to an end; it is at ${url.href}`);
}

function filledForm(page: string, { loginId, password }: Credentials): URLSearchParams {
  const form = new URLSearchParams();
  for (const [input] of page.matchAll(/<input[^>]*>/gu)) {
    const attribute = (name: string): string =>
      new RegExp(`\\b${name}="([^"]*)"`, 'u').exec(input)?.[1] ?? '';
    form.append(attribute('name'), attribute('value'));
  }
  if (!form.has('csrf')) throw new Error(`There is no form to fill in on this page:\n${page}`);
  if (form.has('password')) {
    form.set('loginId', loginId);
    form.set('password', password);
  } else {
    form.set('decision', 'allow');
  }
  return form;
}
