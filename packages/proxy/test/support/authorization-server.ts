import type { ServerResponse } from 'node:http';
import type { Behaviour } from './behaviour.ts';
import { ClientRegister } from './client-register.ts';
import { loopbackServer, sendJson, type LoopbackServer, type ReceivedRequest } from './loopback-server.ts';
import { ProofCheck } from './proof-check.ts';
import { TokenIssuer } from './token-issuer.ts';

export type { Behaviour } from './behaviour.ts';

type Document = Record<string, unknown>;

export const clientId = 'client-1';

/** An authorization server and the protected resource `/mcp`, on one loopback origin. */
export class AuthorizationServer {
  behaviour: Behaviour;
  readonly clients: ClientRegister;
  readonly tokens: TokenIssuer;
  readonly #http: LoopbackServer;
  readonly #states: string[] = [];
  readonly #proofs = new ProofCheck();

  private constructor(http: LoopbackServer, behaviour: Behaviour) {
    this.#http = http;
    this.behaviour = behaviour;
    this.clients = new ClientRegister(http.url);
    this.tokens = new TokenIssuer(http.url, this.clients, () => this.behaviour);
    this.clients.add({ id: clientId, authentication: 'none' });
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
    return [...this.#states, ...this.tokens.secrets, ...sent.filter((value) => value !== null)];
  }

  /** The forms of the token requests so far, of one grant type or of all. */
  tokenRequests(grantType?: string): URLSearchParams[] {
    return this.requestsTo('/token')
      .map(({ body }) => new URLSearchParams(body))
      .filter((form) => grantType === undefined || form.get('grant_type') === grantType);
  }

  /** The requests to one path, whatever their query. */
  requestsTo(path: string): ReceivedRequest[] {
    return this.requests.filter((request) => request.path.split('?')[0] === path);
  }

  /** What the clients that registered themselves sent. */
  registrations(): Document[] {
    return this.requestsTo('/register').map(({ body }) => JSON.parse(body) as Document);
  }

  /** The first request that fits, whether it has come or is to come. */
  when(fits: (request: ReceivedRequest) => boolean): Promise<ReceivedRequest> {
    return this.#http.when(fits);
  }

  /** Ends the life of all access tokens, as time does; refresh tokens stay good. */
  expireAccessTokens(): void {
    this.tokens.expireAccessTokens();
  }

  /** Ends the life of all refresh tokens. */
  revokeRefreshTokens(): void {
    this.tokens.revokeRefreshTokens();
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #answer(request: ReceivedRequest, response: ServerResponse): void {
    const url = new URL(request.path, this.issuer);
    const send = (answer: { status: number; content: unknown; headers?: Record<string, string> }): void => {
      sendJson(response, answer.status, answer.content, answer.headers);
    };
    const { ahead = 0 } = this.behaviour.dpop ?? {};
    if (ahead !== 0) response.setHeader('date', new Date(Date.now() + ahead).toUTCString());
    const { publishes = 'everything', refusesToEnd } = this.behaviour;
    switch (
      `${request.method} ${url.pathname.replace(/(?<=^\/(?:register|api\/jwt\/refresh)\/).+$/u, '*')}`
    ) {
      case 'GET /.well-known/oauth-protected-resource/mcp':
        if (publishes === 'everything') sendJson(response, 200, this.#resourceMetadata());
        else sendJson(response, 404, {});
        break;
      case 'GET /.well-known/oauth-authorization-server':
        if (publishes === 'nothing') sendJson(response, 404, {});
        else sendJson(response, 200, this.#metadata());
        break;
      case 'GET /authorize':
        this.#authorize(url.searchParams, response);
        break;
      case 'POST /token':
        send(this.tokens.token(request));
        break;
      case 'POST /register':
        send(this.#register(JSON.parse(request.body) as Document));
        break;
      case 'DELETE /register/*':
        response.writeHead(refusesToEnd ?? this.clients.delete(nameIn(url), request)).end();
        break;
      case 'POST /device':
        send(this.tokens.authorizeDevice(request));
        break;
      case 'POST /revoke':
        if (refusesToEnd === undefined) send(this.tokens.revoke(request));
        else send({ status: refusesToEnd, content: { error: 'server_error' } });
        break;
      case 'DELETE /api/jwt/refresh/*':
        response.writeHead(refusesToEnd ?? this.#deleteRefreshToken(nameIn(url), request)).end();
        break;
      case 'POST /mcp':
        this.#serve(request, response);
        break;
      case 'GET /mcp':
      case 'DELETE /mcp':
        response.writeHead(405).end();
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
    const { registers, devicePolls, revokes, dpop } = this.behaviour;
    const correct = {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      registration_endpoint: registers === true ? `${this.issuer}/register` : undefined,
      device_authorization_endpoint: devicePolls === undefined ? undefined : `${this.issuer}/device`,
      revocation_endpoint: revokes === 'RFC 7009' ? `${this.issuer}/revoke` : undefined,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      scopes_supported: ['openid', 'offline_access'],
      id_token_signing_alg_values_supported: ['RS256', 'HS256'],
      dpop_signing_alg_values_supported: dpop === undefined ? undefined : ['ES256'],
    };
    return this.behaviour.metadata?.(correct) ?? correct;
  }

  #register(metadata: Document): { status: number; content: unknown } {
    const bent = this.behaviour.registration?.(metadata);
    if (bent !== undefined) return bent;
    if (this.behaviour.registers !== true) return { status: 404, content: {} };
    const { client, content } = this.clients.register(metadata);
    return {
      status: 201,
      content: {
        ...content,
        registration_client_uri: `${this.issuer}/register/${client.id}`,
        registration_access_token: client.registrationToken,
      },
    };
  }

  #authorize(query: URLSearchParams, response: ServerResponse): void {
    const client = this.clients.find(query.get('client_id'));
    const redirectUri = query.get('redirect_uri') ?? '';
    if (client === undefined || client.redirectUris?.includes(redirectUri) === false) {
      sendJson(response, 400, {
        error: 'invalid_request',
        error_description: 'unknown client or redirect URI',
      });
      return;
    }
    if (this.behaviour.neverRedirects === true) {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>Sign in');
      return;
    }
    const redirect = new URL(redirectUri);
    this.#states.push(query.get('state') ?? '');
    if (this.behaviour.denies === true) {
      redirect.searchParams.set('error', 'access_denied');
      redirect.searchParams.set('error_reason', 'consent_canceled');
      redirect.searchParams.set('error_description', 'The user has canceled');
    } else {
      const grant = {
        clientId: client.id,
        codeChallenge: query.get('code_challenge') ?? '',
        redirectUri,
        resource: query.get('resource'),
        scope: query.get('scope') ?? '',
        jkt: this.#bindsTokens() ? (query.get('dpop_jkt') ?? undefined) : undefined,
      };
      redirect.searchParams.set('code', this.tokens.codeFor(grant));
    }
    redirect.searchParams.set('iss', this.issuer);
    redirect.searchParams.set('state', query.get('state') ?? '');
    this.behaviour.redirect?.(redirect);
    response.writeHead(302, { location: redirect.href }).end();
  }

  #deleteRefreshToken(id: string, request: ReceivedRequest): number {
    const isRefused =
      this.behaviour.revokes === 'FusionAuth, by bearer tokens'
        ? !request.headers.authorization?.startsWith('Bearer ')
        : this.#proofRefusal(request) !== undefined;
    return isRefused ? 401 : this.tokens.deleteRefreshToken(id, tokenIn(request));
  }

  #bindsTokens(): boolean {
    const { dpop } = this.behaviour;
    return dpop !== undefined && dpop.ignored !== true;
  }

  /** The scope of the token in a request to a resource at this origin, if it has the proof that it needs. */
  scopeFor(request: ReceivedRequest, origin = this.issuer): string | undefined {
    const refusal = this.#proofRefusal(request, origin);
    return refusal === undefined ? this.tokens.scopeOf(tokenIn(request)) : undefined;
  }

  /** Why a token in a request does not do, its own worth apart: the error of RFC 9449, section 7.1. */
  #proofRefusal(request: ReceivedRequest, origin = this.issuer): string | undefined {
    const { dpop } = this.behaviour;
    const { authorization } = request.headers;
    if (dpop === undefined || authorization === undefined) return undefined;
    const jkt = this.tokens.keyOf(tokenIn(request));
    if (authorization.startsWith('Bearer '))
      return jkt === undefined && dpop.optional === true ? undefined : 'invalid_token';
    const proof = this.#proofs.check(request, origin, dpop);
    if ('error' in proof) return proof.error;
    return proof.jkt === jkt ? undefined : 'invalid_token';
  }

  /** The protected resource: echoes the method of a request, or asks for a sign-in or for more scopes. */
  #serve(request: ReceivedRequest, response: ServerResponse): void {
    const refusal = this.#proofRefusal(request);
    const scope = refusal === undefined ? this.tokens.scopeOf(tokenIn(request)) : undefined;
    const { publishes = 'everything', requiredScope = '', dpop } = this.behaviour;
    const address = new URL('/.well-known/oauth-protected-resource/mcp', this.issuer).href;
    const metadata = publishes === 'everything' ? `, resource_metadata="${address}"` : '';
    if (scope === undefined) {
      const rest = `scope="openid get_name"${metadata}`;
      const error = refusal === undefined ? '' : `error="${refusal}", `;
      const challenges = [
        dpop === undefined || dpop.optional === true ? `Bearer ${rest}` : undefined,
        dpop === undefined ? undefined : `DPoP ${error}algs="ES256", ${rest}`,
      ];
      const headers = {
        'www-authenticate': challenges.filter((challenge) => challenge !== undefined).join(', '),
        ...(dpop?.nonce === undefined ? {} : { 'dpop-nonce': dpop.nonce }),
      };
      sendJson(response, 401, { error: 'invalid_token' }, headers);
      return;
    }
    const granted = scope.split(' ');
    if (requiredScope !== '' && !requiredScope.split(' ').every((word) => granted.includes(word))) {
      const challenge = `Bearer error="insufficient_scope", scope="${requiredScope}"${metadata}`;
      sendJson(response, 403, { error: 'insufficient_scope' }, { 'www-authenticate': challenge });
      return;
    }
    const { id, method } = JSON.parse(request.body) as { id?: unknown; method: string };
    if (id === undefined) response.writeHead(202).end();
    else sendJson(response, 200, { jsonrpc: '2.0', id, result: { method } });
  }
}

/** The token in a request, by either scheme. */
function tokenIn({ headers }: ReceivedRequest): string {
  return headers.authorization?.replace(/^(?:Bearer|DPoP) /u, '') ?? '';
}

/** The last part of a path. */
function nameIn(url: URL): string {
  return decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
}
