/** Which sign-in: tokens of different servers, clients or profiles never meet. */
export interface SignInKey {
  /** The MCP server's URL, as normalized by the URL parser. */
  readonly server: string;
  /** The OAuth client that signs in. */
  readonly clientId: string;
  /** Keeps several accounts on one server apart. */
  readonly profile: string;
}

/** What a sign-in yields and a store keeps. All of it is secret, or at least private. */
export interface TokenSet {
  readonly accessToken: string;
  /** Absent when the authorization server issues none: then an expired access token means a new sign-in. */
  readonly refreshToken?: string | undefined;
  /** Milliseconds since the epoch; absent when the authorization server does not say. */
  readonly expiresAt?: number | undefined;
  /** Space-separated scopes that were granted (RFC 6749, section 3.3). */
  readonly scope?: string | undefined;
  /** The authorization server that issued it; a refresh token goes nowhere else. */
  readonly issuer: string;
  /** The RFC 8707 resource that was asked for, repeated when refreshing. */
  readonly resource: string;
}

/** A sign-in as it is listed, without anything secret. */
export interface SignInEntry extends SignInKey {
  readonly issuer: string;
}

/** Keeps token sets: in the keychain, or in memory. Errors are ProxyErrors; an error never means "signed out". */
export interface TokenStore {
  /** Where the tokens are, in words that complete "tokens are kept in …". */
  readonly place: string;
  readonly kind: 'keychain' | 'memory';
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
  return `${key.server} client ${key.clientId}${profile}`;
}
