import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JWTPayload,
} from 'jose';

export const clientId = '9436b02d-9305-4772-a237-5fabcf6e7f6a';
export const userId = '00000000-0000-0000-0000-000000000001';

/** How the stand-in answers a call: with that status and body, or not until it is released. */
export type Behaviour = 'hang' | { status: number; body?: string; contentType?: string };

/** Changes to the claims of a good token; undefined leaves a claim out. */
export type ClaimChanges = Record<string, unknown>;

/**
 * The three FusionAuth calls that a resource server makes, over real HTTP with real RS256 signatures, and tokens of which
 * each can be broken in one way.
 */
export class FusionAuthStandIn {
  /** Undefined: as FusionAuth would. */
  validation: Behaviour | undefined;
  userinfo: Behaviour | Record<string, unknown> = { given_name: 'Test', family_name: 'User' };
  issuer: string;
  /** Whether `/.well-known/jwks.json` has the key that tokens are signed with. */
  publishes = false;
  /** The id of that key, in tokens and there. */
  keyId = 'stand-in';
  /** The answers that `hang` keeps back. */
  readonly #held: ServerResponse[] = [];
  /** Every token that was made, to look for in logs. */
  readonly tokens: string[] = [];
  readonly requests: { path: string; authorization: string | undefined }[] = [];
  readonly url: string;
  readonly resource: string;
  #keys: Awaited<ReturnType<typeof generateKeyPair>>;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(
    server: ReturnType<typeof createServer>,
    keys: Awaited<ReturnType<typeof generateKeyPair>>,
    resource: string,
  ) {
    this.#server = server;
    this.#keys = keys;
    this.resource = resource;
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`;
    this.issuer = this.url;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.#respond(request, response);
    });
  }

  /** @param resource the protected resource that good tokens are for */
  static async start(resource: string): Promise<FusionAuthStandIn> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FusionAuthStandIn(server, await generateKeyPair('RS256', { extractable: true }), resource);
  }

  /** A good access token of the test user, with the claims changed as told. */
  async token(
    changes: ClaimChanges = {},
    { key = this.#keys.privateKey, header = {} }: { key?: CryptoKey; header?: object } = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const claims: JWTPayload = {
      aud: [clientId, this.resource],
      exp: now + 3_600,
      iat: now,
      iss: this.issuer,
      sub: userId,
      jti: crypto.randomUUID(),
      authenticationType: 'PASSWORD',
      scope: 'openid profile get_name',
      ...changes,
    };
    const token = await new SignJWT(JSON.parse(JSON.stringify(claims)) as JWTPayload)
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: this.keyId, ...header })
      .sign(key);
    this.tokens.push(token);
    return token;
  }

  /** A token with good claims, signed with a key that FusionAuth does not know. */
  async forgedToken(): Promise<string> {
    return this.token({}, { key: (await generateKeyPair('RS256')).privateKey });
  }

  /** The public key, as PEM: what an attacker has. */
  publicKeyPem(): Promise<string> {
    return exportSPKI(this.#keys.publicKey);
  }

  /** Signs from now on with another key. */
  async rotate(keyId: string): Promise<void> {
    this.#keys = await generateKeyPair('RS256', { extractable: true });
    this.keyId = keyId;
  }

  /** Waits until a request for the path has come. */
  async receives(path: string): Promise<void> {
    while (!this.requests.some((request) => request.path === path)) await once(this.#server, 'request');
  }

  /** Answers the calls that hang, with 401. */
  release(): void {
    for (const response of this.#held.splice(0)) answer({ status: 401 }, response);
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authorization } = request.headers;
    this.requests.push({ path: request.url ?? '', authorization });
    const behaviour = await this.#behaviourFor(request.url, authorization);
    if (behaviour === 'hang') {
      this.#held.push(response);
      return;
    }
    answer(behaviour, response);
  }

  async #behaviourFor(path: string | undefined, authorization: string | undefined): Promise<Behaviour> {
    switch (path) {
      case '/.well-known/openid-configuration':
        return json({ issuer: this.issuer });
      case '/.well-known/jwks.json': {
        const key = { ...(await exportJWK(this.#keys.publicKey)), kid: this.keyId, use: 'sig', alg: 'RS256' };
        return json({ keys: this.publishes ? [key] : [] });
      }
      case '/oauth2/userinfo':
        return isBehaviour(this.userinfo) ? this.userinfo : json(this.userinfo);
      case '/api/jwt/validate':
        return this.validation ?? (await this.#validate(authorization));
      default:
        return { status: 404 };
    }
  }

  /** Signature and expiry, nothing else: as FusionAuth. */
  async #validate(authorization = ''): Promise<Behaviour> {
    return jwtVerify(authorization.replace(/^Bearer /u, ''), this.#keys.publicKey).then(
      ({ payload }) => json({ jwt: payload }),
      () => ({ status: 401 }),
    );
  }
}

function json(value: object): Behaviour {
  return { status: 200, body: JSON.stringify(value), contentType: 'application/json;charset=UTF-8' };
}

function answer(behaviour: Exclude<Behaviour, 'hang'>, response: ServerResponse): void {
  response.writeHead(behaviour.status, { 'Content-Type': behaviour.contentType ?? 'application/json' });
  response.end(behaviour.body ?? '');
}

function isBehaviour(value: Behaviour | Record<string, unknown>): value is Behaviour {
  return typeof value === 'string' || 'status' in value;
}
