import type { ProofKey } from './proof-key.ts';

/** Which sign-in: tokens of different servers, clients or profiles never meet. */
export interface SignInKey {
  /** The MCP server's URL, as normalized by the URL parser. */
  readonly server: string;
  /** The OAuth client that the configuration names; empty when Keyhole registers itself. */
  readonly clientId: string;
  /** Keeps several accounts on one server apart. */
  readonly profile: string;
}

/** A client that is not in the configuration, so that it must be kept with the tokens it got. */
export interface StoredClient {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** How it authenticates at the token endpoint, when its registration said so. */
  readonly authenticationMethod?: string | undefined;
  /** Dynamic registrations only: what it was registered with, and how to manage that (RFC 7592). */
  readonly registration?:
    | {
        readonly redirectUri: string;
        /** Absent when the registration named none. */
        readonly scope?: string | undefined;
        readonly clientUri?: string | undefined;
        readonly accessToken?: string | undefined;
      }
    | undefined;
}

/** What a sign-in yields and a store keeps. All of it is secret, or at least private. */
export interface TokenSet {
  readonly accessToken: string;
  /** Absent when the authorization server issues none: then an expired access token means a new sign-in. */
  readonly refreshToken?: string | undefined;
  /** `DPoP`: it is good only with a proof of `proofKey` (RFC 9449). Absent for a bearer token. */
  readonly tokenType?: 'DPoP' | undefined;
  /** What the token, or the refresh token of a public client, is bound to; absent when no binding was asked for. */
  readonly proofKey?: ProofKey | undefined;
  /** Milliseconds since the epoch; absent when the authorization server does not say. */
  readonly expiresAt?: number | undefined;
  /** Kept only for servers that want it as bearer token (--use-id-token); its claims decide nothing. */
  readonly idToken?: string | undefined;
  /** Space-separated scopes that were granted (RFC 6749, section 3.3). */
  readonly scope?: string | undefined;
  /** The authorization server that issued it; a refresh token goes nowhere else. */
  readonly issuer: string;
  /** The RFC 8707 resource that was asked for, repeated when refreshing; absent when none was. */
  readonly resource?: string | undefined;
  /** The scope that was asked for, which a step-up adds to. */
  readonly requestedScope?: string | undefined;
  /** FusionAuth's id of the refresh token, by which it can be revoked without naming it in a URL. */
  readonly refreshTokenId?: string | undefined;
  /** The client, when the configuration does not name one. */
  readonly client?: StoredClient | undefined;
}

/** A sign-in as it is listed, without anything secret. */
export interface SignInEntry extends SignInKey {
  readonly issuer: string;
  /** Where it is kept. */
  readonly store: 'keychain' | 'file' | 'memory';
}

/** Keeps token sets: in the keychain, or in memory. Errors are ProxyErrors; an error never means "signed out". */
export interface TokenStore {
  /** Where the tokens are, in words that complete "tokens are kept in …". */
  readonly place: string;
  readonly kind: 'keychain' | 'file' | 'memory';
  /** The token set, or undefined when the store, in good health, has none. */
  load(key: SignInKey): Promise<TokenSet | undefined>;
  /** Returns when the token set has been read back and is the same. */
  save(key: SignInKey, tokens: TokenSet): Promise<void>;
  /** Whether there was one. */
  delete(key: SignInKey): Promise<boolean>;
  list(): Promise<readonly SignInEntry[]>;
}

/** The name of an item as people see it in their keychain's program: server, client, profile. */
export function accountOf(key: SignInKey): string {
  const profile = key.profile === 'default' ? '' : ` profile ${key.profile}`;
  const client = key.clientId === '' ? '' : ` client ${key.clientId}`;
  return `${key.server}${client}${profile}`;
}
