import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { loopbackServer, sendJson, type LoopbackServer, type ReceivedRequest } from './loopback-server.ts';

type Document = Record<string, unknown>;

/** How the server departs from being correct; each field has the correct behaviour as its default. */
export interface Behaviour {
  /** Changes the authorization server's metadata. */
  readonly metadata?: (correct: Document) => Document;
  /** Changes the protected resource's metadata. */
  readonly resourceMetadata?: (correct: Document) => Document;
  /** Changes the redirect back to the client. */
  readonly redirect?: (redirect: URL) => void;
  /** Keeps the browser on the sign-in page for ever. */
  readonly neverRedirects?: boolean;
  /** The user presses Cancel on the consent page. */
  readonly denies?: boolean;
  /** Answers a token request instead of the correct answer; undefined leaves it alone. */
  readonly token?: (form: URLSearchParams) => { status: number; content: unknown } | undefined;
  /** Adds to the token response, or replaces a part of it. */
  readonly tokenResponse?: Document;
  /** Seconds. Default: 3600. */
  readonly expiresIn?: number;
  /** A refresh token is good for one use, and its second use ends the grant. Default: reusable, none sent back. */
  readonly rotates?: boolean;
  /** No refresh tokens at all. */
  readonly withoutRefreshTokens?: boolean;
}

interface Grant {
  readonly codeChallenge: string;
  readonly redirectUri: string;
  readonly resource: string;
  readonly scope: string;
}

export const clientId = 'client-1';

/**
 * An authorization server with opaque tokens and the protected resource `/mcp`, on one loopback origin. It is strict: PKCE,
 * the exact redirect URI, the resource on every token request as FusionAuth wants it, codes for one use.
 */
export class AuthorizationServer {
  behaviour: Behaviour;
  readonly #http: LoopbackServer;
  readonly #codes = new Map<string, Grant>();
  readonly #refreshTokens = new Map<string, Grant>();
  readonly #accessTokens = new Set<string>();
  readonly #secrets: string[] = [];

  private constructor(http: LoopbackServer, behaviour: Behaviour) {
    this.#http = http;
    this.behaviour = behaviour;
  }

  static async start(behaviour: Behaviour = {}): Promise<AuthorizationServer> {
    const http = await loopbackServer((request, response) => {
      started.#answer(request, response);
    });
    const started = new AuthorizationServer(http, behaviour);
    return started;
  }

  get issuer(): string {
    return this.#http.url;
  }

  /** The protected resource: an MCP server. */
  get resource(): URL {
    return new URL('/mcp', this.#http.url);
  }

  get requests(): readonly ReceivedRequest[] {
    return this.#http.requests;
  }

  /** Every code, token, state and verifier that went over the wire: what no log may hold. */
  get secrets(): readonly string[] {
    const fields = ['code_verifier', 'code', 'refresh_token'];
    const sent = this.tokenRequests().flatMap((form) => fields.map((name) => form.get(name)));
    return [...this.#secrets, ...sent.filter((value) => value !== null)];
  }

  /** The forms of the token requests so far, of one grant type or of all. */
  tokenRequests(grantType?: string): URLSearchParams[] {
    return this.requests
      .filter(({ path }) => path === '/token')
      .map(({ body }) => new URLSearchParams(body))
      .filter((form) => grantType === undefined || form.get('grant_type') === grantType);
  }

  /** Ends the life of all access tokens, as time does; refresh tokens stay good. */
  expireAccessTokens(): void {
    this.#accessTokens.clear();
  }

  /** Ends the life of all refresh tokens. */
  revokeRefreshTokens(): void {
    this.#refreshTokens.clear();
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #answer(request: ReceivedRequest, response: ServerResponse): void {
    const url = new URL(request.path, this.issuer);
    switch (url.pathname) {
      case '/.well-known/oauth-protected-resource/mcp':
        sendJson(response, 200, this.#resourceMetadata());
        break;
      case '/.well-known/oauth-authorization-server':
        sendJson(response, 200, this.#metadata());
        break;
      case '/authorize':
        this.#authorize(url.searchParams, response);
        break;
      case '/token':
        this.#token(new URLSearchParams(request.body), response);
        break;
      case '/mcp':
        this.#serve(request, response);
        break;
      default:
        sendJson(response, 404, {});
    }
  }

  #resourceMetadata(): Document {
    const correct = {
      resource: this.resource.href,
      authorization_servers: [this.issuer],
      scopes_supported: ['openid', 'get_name'],
    };
    return this.behaviour.resourceMetadata?.(correct) ?? correct;
  }

  #metadata(): Document {
    const correct = {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      scopes_supported: ['openid', 'offline_access'],
      id_token_signing_alg_values_supported: ['RS256', 'HS256'],
    };
    return this.behaviour.metadata?.(correct) ?? correct;
  }

  #authorize(query: URLSearchParams, response: ServerResponse): void {
    if (this.behaviour.neverRedirects === true) {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>Sign in');
      return;
    }
    const redirectUri = query.get('redirect_uri') ?? '';
    const redirect = new URL(redirectUri);
    this.#secrets.push(query.get('state') ?? '');
    if (this.behaviour.denies === true) {
      redirect.searchParams.set('error', 'access_denied');
      redirect.searchParams.set('error_reason', 'consent_canceled');
      redirect.searchParams.set('error_description', 'The user has canceled');
    } else {
      const code = this.#secret('code');
      this.#codes.set(code, {
        codeChallenge: query.get('code_challenge') ?? '',
        redirectUri,
        resource: query.get('resource') ?? '',
        scope: query.get('scope') ?? '',
      });
      redirect.searchParams.set('code', code);
    }
    redirect.searchParams.set('iss', this.issuer);
    redirect.searchParams.set('state', query.get('state') ?? '');
    this.behaviour.redirect?.(redirect);
    response.writeHead(302, { location: redirect.href }).end();
  }

  #token(form: URLSearchParams, response: ServerResponse): void {
    const bent = this.behaviour.token?.(form);
    if (bent !== undefined) {
      sendJson(response, bent.status, bent.content);
      return;
    }
    const isCode = form.get('grant_type') === 'authorization_code';
    const grants = isCode ? this.#codes : this.#refreshTokens;
    const given = form.get(isCode ? 'code' : 'refresh_token') ?? '';
    const grant = grants.get(given);
    if (isCode || this.behaviour.rotates === true) grants.delete(given);
    if (grant === undefined) {
      // A one-use token that comes again may have been stolen: nobody's is good any more.
      if (this.behaviour.rotates === true) this.revokeRefreshTokens();
      sendJson(response, 400, { error: 'invalid_grant', error_description: 'unknown or used' });
      return;
    }
    const refusal = this.#refusal(form, grant, isCode);
    if (refusal !== undefined) sendJson(response, 400, { error: refusal });
    else sendJson(response, 200, { ...this.#issue(grant, isCode), ...this.behaviour.tokenResponse });
  }

  #refusal(form: URLSearchParams, grant: Grant, isCode: boolean): string | undefined {
    if (form.get('client_id') !== clientId) return 'invalid_client';
    if (form.get('resource') !== grant.resource) return 'invalid_target';
    if (!isCode) return undefined;
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== grant.codeChallenge) return 'invalid_grant';
    return form.get('redirect_uri') === grant.redirectUri ? undefined : 'invalid_grant';
  }

  #issue(grant: Grant, isCode: boolean): Document {
    const accessToken = this.#secret('access');
    this.#accessTokens.add(accessToken);
    const sendsRefreshToken =
      this.behaviour.withoutRefreshTokens !== true && (isCode || this.behaviour.rotates === true);
    const refreshToken = sendsRefreshToken ? this.#secret('refresh') : undefined;
    if (refreshToken !== undefined) this.#refreshTokens.set(refreshToken, grant);
    return {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: this.behaviour.expiresIn ?? 3_600,
      refresh_token: refreshToken,
      scope: isCode ? grant.scope : undefined,
    };
  }

  /** The protected resource: echoes the method of a request, or asks for a sign-in. */
  #serve({ headers, body }: ReceivedRequest, response: ServerResponse): void {
    const token = headers.authorization?.replace(/^Bearer /u, '') ?? '';
    if (!this.#accessTokens.has(token)) {
      const metadata = new URL('/.well-known/oauth-protected-resource/mcp', this.issuer).href;
      sendJson(
        response,
        401,
        { error: 'invalid_token' },
        { 'www-authenticate': `Bearer scope="openid get_name", resource_metadata="${metadata}"` },
      );
      return;
    }
    const { id, method } = JSON.parse(body) as { id?: unknown; method: string };
    if (id === undefined) response.writeHead(202).end();
    else sendJson(response, 200, { jsonrpc: '2.0', id, result: { method } });
  }

  #secret(kind: string): string {
    const secret = `${kind}-${randomUUID()}`;
    this.#secrets.push(secret);
    return secret;
  }
}
