import { createHash, randomUUID } from 'node:crypto';
import type { Behaviour } from './behaviour.ts';
import type { Client, ClientRegister } from './client-register.ts';
import { ProofCheck } from './proof-check.ts';
import { verifiedJwt } from './signed-jwt.ts';
import type { ReceivedRequest } from './loopback-server.ts';

/** What a user has agreed to, or is asked to. */
export interface Grant {
  readonly clientId: string;
  readonly resource: string | null;
  readonly scope: string;
  readonly codeChallenge?: string;
  readonly redirectUri?: string;
  /** The thumbprint of the key that what comes of it is bound to (RFC 9449). */
  readonly jkt?: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly content: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const deviceCodeGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const refuse = (error: string, status = 400): Answer => ({ status, content: { error } });

/**
 * Opaque tokens and what they are worth. It is strict: PKCE, the exact redirect URI, the resource on every token request
 * as FusionAuth wants it, codes for one use, refresh tokens for the client that got them.
 */
export class TokenIssuer {
  readonly secrets: string[] = [];
  readonly #issuer: string;
  readonly #clients: ClientRegister;
  readonly #behaviour: () => Behaviour;
  readonly #codes = new Map<string, Grant>();
  readonly #devices = new Map<string, { grant: Grant; polls: string[] }>();
  readonly #refreshTokens = new Map<string, Grant & { id: string }>();
  readonly #accessTokens = new Map<string, { readonly scope: string; readonly jkt: string | undefined }>();
  readonly #proofs = new ProofCheck();

  constructor(issuer: string, clients: ClientRegister, behaviour: () => Behaviour) {
    this.#issuer = issuer;
    this.#clients = clients;
    this.#behaviour = behaviour;
  }

  /** The scope of an access token that is good. */
  scopeOf(accessToken: string): string | undefined {
    return this.#accessTokens.get(accessToken)?.scope;
  }

  /** The thumbprint of the key that an access token is bound to. */
  keyOf(accessToken: string): string | undefined {
    return this.#accessTokens.get(accessToken)?.jkt;
  }

  get refreshTokens(): readonly string[] {
    return [...this.#refreshTokens.keys()];
  }

  expireAccessTokens(): void {
    this.#accessTokens.clear();
  }

  revokeRefreshTokens(): void {
    this.#refreshTokens.clear();
  }

  codeFor(grant: Grant): string {
    const code = this.#secret('code');
    this.#codes.set(code, grant);
    return code;
  }

  /** RFC 8628, section 3.2. */
  authorizeDevice(request: ReceivedRequest): Answer {
    const form = new URLSearchParams(request.body);
    const client = this.#clients.authenticate(request, form);
    if (client === undefined) return refuse('invalid_client', 401);
    const deviceCode = this.#secret('device');
    const grant = { clientId: client.id, resource: form.get('resource'), scope: form.get('scope') ?? '' };
    this.#devices.set(deviceCode, { grant, polls: [...(this.#behaviour().devicePolls ?? [])] });
    const content = {
      device_code: deviceCode,
      user_code: 'WDJB-MJHT',
      verification_uri: `${this.#issuer}/activate`,
      verification_uri_complete: `${this.#issuer}/activate?user_code=WDJB-MJHT`,
      expires_in: 600,
      interval: 0.01,
      ...this.#behaviour().deviceResponse,
    };
    return { status: 200, content };
  }

  token(request: ReceivedRequest): Answer {
    const form = new URLSearchParams(request.body);
    const bent = this.#behaviour().token?.(form);
    if (bent !== undefined) return bent;
    const { trusts, dpop } = this.#behaviour();
    if (dpop === undefined || dpop.ignored === true || request.headers['dpop'] === undefined)
      return this.#grant(request, form, undefined, trusts);
    const proof = this.#proofs.check(request, this.#issuer, dpop);
    if (!('error' in proof)) return this.#grant(request, form, proof.jkt, trusts);
    const headers = dpop.nonce === undefined ? {} : { 'dpop-nonce': dpop.nonce };
    return { ...refuse(proof.error), headers };
  }

  #grant(
    request: ReceivedRequest,
    form: URLSearchParams,
    jkt: string | undefined,
    trusts: Behaviour['trusts'],
  ): Answer {
    if (form.get('grant_type') === jwtBearerGrant && trusts?.anonymous === true)
      return this.#redeemAssertion(form, '', jkt, trusts);
    const client = this.#clients.authenticate(request, form);
    if (client === undefined) return refuse('invalid_client', 401);
    switch (form.get('grant_type')) {
      case jwtBearerGrant:
        return trusts === undefined
          ? refuse('unsupported_grant_type')
          : this.#redeemAssertion(form, client.id, jkt, trusts);
      case 'authorization_code':
        return this.#redeemCode(form, client, jkt);
      case 'refresh_token':
        return this.#refresh(form, client, jkt);
      case deviceCodeGrant:
        return this.#pollDevice(form, client, jkt);
      case 'client_credentials': {
        if (client.authentication === 'none') return refuse('unauthorized_client');
        const grant = {
          clientId: client.id,
          resource: form.get('resource'),
          scope: form.get('scope') ?? '',
          jkt,
        };
        return this.#issue(grant, { refreshable: false, withScope: true });
      }
      default:
        return refuse('unsupported_grant_type');
    }
  }

  /** RFC 7009: the refresh token ends with what was issued for it. */
  revoke(request: ReceivedRequest): Answer {
    const form = new URLSearchParams(request.body);
    if (this.#clients.authenticate(request, form) === undefined) return refuse('invalid_client', 401);
    const token = form.get('token') ?? '';
    this.#refreshTokens.delete(token);
    this.#accessTokens.delete(token);
    return { status: 200, content: {} };
  }

  /** FusionAuth's way: by the token's id, with an access token of its owner. The status of the answer. */
  deleteRefreshToken(id: string, accessToken: string): number {
    if (this.scopeOf(accessToken) === undefined) return 401;
    for (const [token, grant] of this.#refreshTokens) if (grant.id === id) this.#refreshTokens.delete(token);
    return 200;
  }

  #redeemCode(form: URLSearchParams, client: Client, jkt: string | undefined): Answer {
    const code = form.get('code') ?? '';
    const grant = this.#codes.get(code);
    this.#codes.delete(code);
    if (grant?.clientId !== client.id) return refuse('invalid_grant');
    if (form.get('resource') !== grant.resource) return refuse('invalid_target');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== grant.codeChallenge || form.get('redirect_uri') !== grant.redirectUri)
      return refuse('invalid_grant');
    // RFC 9449, section 10: the key was named in the authorization request.
    if (jkt !== grant.jkt) return refuse('invalid_grant');
    return this.#issue(grant, { refreshable: true, withScope: true });
  }

  #refresh(form: URLSearchParams, client: Client, jkt: string | undefined): Answer {
    const rotates = this.#behaviour().rotates === true;
    const token = form.get('refresh_token') ?? '';
    const grant = this.#refreshTokens.get(token);
    if (rotates) this.#refreshTokens.delete(token);
    if (grant?.clientId !== client.id) {
      // A one-use token that comes again may have been stolen: nobody's is good any more.
      if (rotates) this.revokeRefreshTokens();
      return refuse('invalid_grant');
    }
    // RFC 9449, section 5: a public client's refresh token is bound to its key.
    if (jkt !== grant.jkt) return refuse('invalid_dpop_proof');
    if (form.get('resource') !== grant.resource) return refuse('invalid_target');
    return this.#issue(grant, { refreshable: rotates, withScope: false });
  }

  /** RFC 7523, section 2.1: no refresh token, as RFC 7521, section 4.1, recommends. */
  #redeemAssertion(
    form: URLSearchParams,
    clientId: string,
    jkt: string | undefined,
    trusts: NonNullable<Behaviour['trusts']>,
  ): Answer {
    const read = verifiedJwt(form.get('assertion') ?? '', trusts.key);
    if (read?.claims['aud'] !== this.#issuer) return refuse('invalid_grant');
    if (trusts.typ !== undefined && read.header['typ'] !== trusts.typ) return refuse('invalid_grant');
    if (trusts.typ !== undefined && read.claims['client_id'] !== clientId) return refuse('invalid_grant');
    const grant = { clientId, resource: form.get('resource'), scope: form.get('scope') ?? '', jkt };
    return this.#issue(grant, { refreshable: false, withScope: true });
  }

  #pollDevice(form: URLSearchParams, client: Client, jkt: string | undefined): Answer {
    const device = this.#devices.get(form.get('device_code') ?? '');
    if (device?.grant.clientId !== client.id) return refuse('invalid_grant');
    const error = device.polls.shift();
    if (error !== undefined) return refuse(error);
    if (form.get('resource') !== device.grant.resource) return refuse('invalid_target');
    return this.#issue({ ...device.grant, jkt }, { refreshable: true, withScope: true });
  }

  #issue(grant: Grant, { refreshable, withScope }: { refreshable: boolean; withScope: boolean }): Answer {
    const behaviour = this.#behaviour();
    const accessToken = this.#secret('access');
    const scope = (behaviour.tokenResponse?.['scope'] as string | undefined) ?? grant.scope;
    this.#accessTokens.set(accessToken, { scope, jkt: grant.jkt });
    const id = `id-${randomUUID()}`;
    const refreshToken =
      refreshable && behaviour.withoutRefreshTokens !== true ? this.#secret('refresh') : undefined;
    if (refreshToken !== undefined) this.#refreshTokens.set(refreshToken, { ...grant, id });
    const content = {
      access_token: accessToken,
      token_type: grant.jkt === undefined ? 'Bearer' : 'DPoP',
      expires_in: behaviour.expiresIn ?? 3_600,
      refresh_token: refreshToken,
      refresh_token_id:
        refreshToken !== undefined && behaviour.revokes?.startsWith('FusionAuth') === true ? id : undefined,
      scope: withScope && grant.scope !== '' ? grant.scope : undefined,
      ...behaviour.tokenResponse,
    };
    return { status: 200, content };
  }

  #secret(kind: string): string {
    const secret = `${kind}-${randomUUID()}`;
    this.secrets.push(secret);
    return secret;
  }
}
