import { messageOf } from '@mcp-keyhole/cli-kit';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretPost,
  Configuration,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  ResponseBodyError,
  type IDToken,
  type ServerMetadata,
} from 'openid-client';
import { errors } from '../errors.ts';
import type { PortalConfig } from './config.ts';
import type { PortalClient } from './portal-client.ts';
import { refusals } from './refusals.ts';

/** How long FusionAuth may take for one answer, in milliseconds. */
const deadline = 10_000;

/** Somebody that FusionAuth knows. */
export interface User {
  /** FusionAuth's id of the user, which never changes. */
  readonly id: string;
  /** What the page calls them. */
  readonly name: string;
}

/** What has to be remembered while somebody is at FusionAuth. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** The path of the portal that they wanted. */
  readonly to: string;
}

/** Signing in with FusionAuth: the authorization code flow with PKCE, state and nonce (OpenID Connect Core, section 3.1). */
export class SignIn {
  readonly #config: PortalConfig;
  readonly #client: PortalClient;

  constructor(config: PortalConfig, client: PortalClient) {
    this.#config = config;
    this.#client = client;
  }

  /** Where the browser goes, and what to remember meanwhile. @throws SetupError when FusionAuth does not answer */
  async begin(to: string): Promise<{ url: URL; pending: PendingSignIn }> {
    const pending = {
      state: randomState(),
      nonce: randomNonce(),
      codeVerifier: randomPKCECodeVerifier(),
      to,
    };
    const url = buildAuthorizationUrl(await this.#configuration(), {
      redirect_uri: this.#client.redirectUri,
      scope: 'openid profile email',
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
    });
    return { url, pending };
  }

  /**
   * Redeems the authorization response.
   *
   * @param query of the redirect, with its question mark
   * @throws Refusal when FusionAuth or the user said no, or the response is not that of the request
   * @throws SetupError when FusionAuth does not answer, or no longer knows the portal
   */
  async complete(query: string, pending: PendingSignIn): Promise<User> {
    const configuration = await this.#configuration();
    const response = new URL(`${this.#client.redirectUri}${query}`);
    try {
      const tokens = await authorizationCodeGrant(configuration, response, {
        expectedState: pending.state,
        expectedNonce: pending.nonce,
        pkceCodeVerifier: pending.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw refusals.signInFailed('there is no ID token');
      return { id: claims.sub, name: nameOf(claims) };
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): unknown {
    if (error instanceof AuthorizationResponseError) {
      return refusals.signInRefused(error.error_description ?? error.error);
    }
    if (error instanceof ResponseBodyError) {
      if (error.status === 401)
        return errors.portalClientUnusable(
          this.#client.clientId,
          'FusionAuth refuses its client secret',
          error,
        );
      return refusals.signInFailed(error.error_description ?? error.error, error);
    }
    const reason = reasonOf(error);
    // openid-client tells what went wrong by codes; only a connection that failed is not about the response itself.
    if (isTimeout(error)) return errors.timeout(this.#config.fusionAuthUrl, 'signing in', deadline);
    if (error instanceof TypeError && error.message === 'fetch failed') {
      return errors.unreachable(this.#config.fusionAuthUrl, reason, error);
    }
    return error instanceof Error && 'code' in error ? refusals.signInFailed(reason, error) : error;
  }

  /**
   * FusionAuth as openid-client sees it. Its metadata is read each time, since issuer and version may change while the
   * portal runs. The endpoints are put together here: behind Docker and proxies the document names addresses that only
   * one of the two, browser or portal, can reach.
   */
  async #configuration(): Promise<Configuration> {
    const { fusionAuthUrl, publicUrl } = this.#config;
    const metadata = await this.#metadata();
    const configuration = new Configuration(
      {
        ...metadata,
        authorization_endpoint: `${publicUrl}/oauth2/authorize`,
        token_endpoint: `${fusionAuthUrl}/oauth2/token`,
        jwks_uri: `${fusionAuthUrl}/.well-known/jwks.json`,
      },
      this.#client.clientId,
      undefined,
      // Not Basic: its encoding of the secret (RFC 6749, section 2.3.1) is undone by few servers.
      ClientSecretPost(this.#client.clientSecret),
    );
    configuration.timeout = deadline / 1_000;
    // Whoever runs the portal chose the address.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so that nobody overlooks it; loopback and Docker's networks have no TLS
    if (fusionAuthUrl.startsWith('http:')) allowInsecureRequests(configuration);
    return configuration;
  }

  async #metadata(): Promise<ServerMetadata> {
    const { fusionAuthUrl, tenantId } = this.#config;
    // Each tenant has an issuer of its own.
    const base = tenantId === undefined ? fusionAuthUrl : `${fusionAuthUrl}/${tenantId}`;
    const doing = 'reading its OpenID configuration';
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(`${base}/.well-known/openid-configuration`, {
        redirect: 'error',
        signal: AbortSignal.timeout(deadline),
      });
      body = response.ok ? await response.json() : await response.body?.cancel();
    } catch (error) {
      if (isTimeout(error)) throw errors.timeout(fusionAuthUrl, doing, deadline);
      if (error instanceof SyntaxError)
        throw errors.notFusionAuth(fusionAuthUrl, 'its answer is not JSON', error);
      throw errors.unreachable(fusionAuthUrl, reasonOf(error), error);
    }
    if (response.status >= 500) throw errors.failed(fusionAuthUrl, doing, response.status);
    if (!isMetadata(body)) throw errors.notFusionAuth(fusionAuthUrl, 'it has no OpenID configuration');
    return body;
  }
}

function isMetadata(body: unknown): body is ServerMetadata {
  return typeof body === 'object' && body !== null && 'issuer' in body && typeof body.issuer === 'string';
}

function nameOf(claims: IDToken): string {
  const names = [claims['email'], claims['preferred_username'], claims['name']];
  return names.filter((name) => typeof name === 'string').find((name) => name !== '') ?? claims.sub;
}

function isTimeout(error: unknown): boolean {
  const seen = [error, error instanceof Error ? error.cause : undefined];
  return seen.some((one) => one instanceof Error && one.name === 'TimeoutError');
}

/** The innermost cause: `fetch failed` says nothing. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return messageOf(error);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
