import type { Log } from '@mcp-keyhole/cli-kit';
import { covers } from './authorization/scope.ts';
import type { Challenge } from './authorization/types.ts';
import { errors, ProxyError } from './errors.ts';
import type { ProofKey } from './token-store/proof-key.ts';
import type { SignInKey, TokenSet, TokenStore } from './token-store/token-store.ts';
import { Turn, type TurnContext } from './turn.ts';

/** A token this close to its end counts as expired: it could end on the way. */
const expiryMargin = 10_000;
/** After a sign-in that failed, further requests get the same error for this long, rather than a tab each. */
const signInPause = 30_000;

/** How tokens are obtained; both may throw ProxyErrors. */
export interface Authorizer {
  /** Signs the user in; `previous` is what an earlier sign-in left. */
  authorize(challenge: Challenge, previous: TokenSet | undefined): Promise<TokenSet>;
  /** New tokens, or undefined when the grant is gone. Throws when the outcome is open (network, 5xx). */
  refresh(tokens: TokenSet): Promise<TokenSet | undefined>;
}

/** What {@link BearerToken} works with. */
export interface BearerTokenContext extends TurnContext {
  readonly key: SignInKey;
  /** The store, opened at the first call: not every server wants a sign-in. */
  readonly openStore: () => Promise<TokenStore>;
  /** Whether the store may have this sign-in, as far as that is known without opening it. */
  readonly mayBeSignedIn: () => Promise<boolean>;
  readonly authorizer: Authorizer;
  readonly log: Log;
  /** Sends the id_token in place of the access token. Default: false. */
  readonly useIdToken?: boolean;
  /** Tokens that are bound to no key are not used. Default: false. */
  readonly boundOnly?: boolean;
  /** Milliseconds since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

/**
 * The bearer token of one sign-in: read from the store, refreshed or obtained anew when it must be. Whoever comes while
 * that happens waits for his {@link Turn} and gets the result: under it the store is read again before anything is done.
 */
export class BearerToken {
  readonly #context: BearerTokenContext;
  readonly #now: () => number;
  readonly #turn: Turn;
  #looked: Promise<void> | undefined;
  #tokens: TokenSet | undefined;
  /** What a sign-in that is over left: a client registration, and the scope that a step-up adds to. */
  #previous: TokenSet | undefined;
  /** A refresh token that its authorization server has declared dead. */
  #deadRefreshToken: string | undefined;
  #failedSignIn: { readonly error: unknown; readonly until: number } | undefined;
  /** A token fresh from a sign-in that the server has not accepted yet. */
  #unproven: { readonly bearer: string; readonly until: number } | undefined;

  constructor(context: BearerTokenContext) {
    this.#context = context;
    this.#now = context.now ?? Date.now;
    this.#turn = new Turn(context);
  }

  /**
   * The token for the next request: undefined when there is none, so that the server's 401 starts the sign-in. Never
   * opens a browser.
   *
   * @throws ProxyError when the store or the token endpoint does not work: that is not "signed out"
   */
  async token(): Promise<string | undefined> {
    await this.#lookOnce();
    const tokens = this.#tokens;
    if (tokens === undefined || !this.#isExpired(tokens)) return this.#bearerOf(tokens);
    const expired = this.#bearerOf(tokens);
    await this.#turn.take(() => this.#renew(expired));
    const renewed = this.#bearerOf(this.#tokens);
    return renewed === expired ? undefined : renewed;
  }

  /** The key that the token just given is bound to (RFC 9449); undefined for a bearer token, as an ID token always is. */
  proofKey(): ProofKey | undefined {
    const isBound = this.#tokens?.tokenType === 'DPoP' && this.#context.useIdToken !== true;
    return isBound ? this.#tokens?.proofKey : undefined;
  }

  /**
   * Handles a 401: takes the tokens that somebody else has obtained meanwhile, or refreshes, or signs in.
   *
   * @param rejected the token that the server refused; undefined when the request had none
   * @throws ProxyError when there is no token afterwards
   */
  async onUnauthorized(rejected: string | undefined, challenge: Challenge): Promise<void> {
    const since = Date.now();
    await this.#turn.take(async () => {
      this.#refuseUnproven(rejected);
      if (await this.#renew(rejected, challenge.dpop?.demanded)) return;
      await this.#signIn(challenge, since);
    });
  }

  /**
   * Handles a 403 that asks for more scopes than the token has: signs in for those in addition, unless somebody else
   * has done so meanwhile.
   *
   * @param insufficient the token whose scopes do not suffice
   * @throws ProxyError `scope-missing` when the scopes had been granted already; the errors of a sign-in
   */
  async onInsufficientScope(insufficient: string, challenge: Challenge): Promise<void> {
    const since = Date.now();
    const { scope } = challenge;
    if (scope === undefined) throw errors.scopeMissing(this.#context.server, scope);
    await this.#turn.take(async () => {
      // Tokens that could not be stored live on in memory.
      if (this.#isBetter(this.#tokens, insufficient) && covers(this.#tokens?.scope, scope)) return;
      const stored = await this.#load();
      if (this.#isBetter(stored, insufficient) && covers(stored?.scope, scope)) {
        this.#tokens = stored;
        return;
      }
      this.#previous = stored ?? this.#tokens;
      if (covers(this.#previous?.scope, scope)) throw errors.scopeMissing(this.#context.server, scope);
      await this.#signIn({ ...challenge, stepUp: true }, since);
    });
  }

  /** Takes over tokens that were obtained elsewhere, unless there is a sign-in already. Whether it did. */
  async adopt(tokens: TokenSet): Promise<boolean> {
    return this.#turn.take(async () => {
      if ((await this.#load()) !== undefined) return false;
      await (await this.#context.openStore()).save(this.#context.key, tokens);
      return true;
    });
  }

  /** Says that the server took a request with this token. */
  onAccepted(bearer: string): void {
    if (bearer === this.#unproven?.bearer) this.#unproven = undefined;
  }

  /** A server that refuses what its authorization server has just issued would go on for ever, a tab each time. */
  #refuseUnproven(rejected: string | undefined): void {
    if (rejected === undefined || rejected !== this.#unproven?.bearer) return;
    if (this.#now() < this.#unproven.until) throw errors.tokenRefused(this.#context.server);
  }

  /**
   * Makes sure that `#tokens` are newer than the token given, without a browser. Whether that worked.
   *
   * @param isDemanded bearer tokens do not do any more: to refresh one brings another
   */
  async #renew(old: string | undefined, isDemanded = false): Promise<boolean> {
    const { authorizer, log, boundOnly } = this.#context;
    const anyFits = !isDemanded && boundOnly !== true;
    const fits = (tokens: TokenSet | undefined): boolean => anyFits || tokens?.tokenType === 'DPoP';
    if (this.#isBetter(this.#tokens, old) && fits(this.#tokens)) return true;
    const stored = await this.#load();
    if (this.#isBetter(stored, old) && fits(stored)) {
      this.#tokens = stored;
      return true;
    }
    // Tokens that could not be stored live on in memory.
    const known = stored ?? this.#tokens;
    this.#previous = known;
    if (known?.refreshToken === undefined || known.refreshToken === this.#deadRefreshToken) return false;
    if (!fits(known)) return false;
    const renewed = await authorizer.refresh(known).catch((error: unknown) => {
      // The client may not refresh at all: only a sign-in helps, and whoever set it up should know why. If it
      // registered itself, its registration may be gone.
      if (!(error instanceof ProxyError) || error.code !== 'token-request-failed') throw error;
      log.warn(`${error.message} ${error.remedy}`);
      this.#previous = { ...known, client: undefined };
      return undefined;
    });
    if (renewed === undefined) {
      this.#deadRefreshToken = known.refreshToken;
      return false;
    }
    log.debug('access token refreshed');
    await this.#keep(renewed);
    return fits(renewed);
  }

  /** @param since when the request that needs it came: a sign-in that failed after that has failed for it too */
  async #signIn(challenge: Challenge, since: number): Promise<void> {
    const { authorizer, pending, log } = this.#context;
    const failed = this.#failedSignIn;
    if (failed !== undefined && this.#now() < failed.until) throw failed.error;
    const failedElsewhere = await pending.failureSince(since);
    if (failedElsewhere !== undefined) throw failedElsewhere;
    try {
      const tokens = await authorizer.authorize(challenge, this.#previous);
      const bearer = this.#bearerOf(tokens);
      // Without this every request would lead to a sign-in that brings nothing.
      if (bearer === undefined) throw errors.idTokenMissing(tokens.issuer);
      this.#failedSignIn = undefined;
      this.#unproven = { bearer, until: this.#now() + signInPause };
      await this.#keep(tokens);
      await pending.clear();
    } catch (error) {
      this.#failedSignIn = { error, until: this.#now() + signInPause };
      if (error instanceof ProxyError) log.warn(`${error.message} ${error.remedy}`, { code: error.code });
      await pending.fail(error);
      throw error;
    }
  }

  /** Tokens that cannot be stored still serve this process; the user is told what that means. */
  async #keep(tokens: TokenSet): Promise<void> {
    const { key, openStore, log } = this.#context;
    const isNew = this.#tokens === undefined;
    this.#tokens = tokens;
    try {
      const store = await openStore();
      await store.save(key, tokens);
      if (isNew) log.info(`tokens are kept in ${store.place}`);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      log.warn(`The sign-in could not be kept and ends with this process. ${error.message} ${error.remedy}`, {
        code: error.code,
      });
    }
  }

  /**
   * Looks for a sign-in when the first request comes, and not at each: a sign-in elsewhere meanwhile is found when the
   * server's 401 has the store read again. A look that failed is taken again.
   */
  #lookOnce(): Promise<void> {
    const look = async (): Promise<void> => {
      if (await this.#context.mayBeSignedIn()) this.#tokens ??= await this.#load();
    };
    this.#looked ??= look().catch((error: unknown) => {
      this.#looked = undefined;
      throw error;
    });
    return this.#looked;
  }

  async #load(): Promise<TokenSet | undefined> {
    const store = await this.#context.openStore();
    return store.load(this.#context.key);
  }

  #bearerOf(tokens: TokenSet | undefined): string | undefined {
    if (this.#context.boundOnly === true && tokens?.tokenType !== 'DPoP') return undefined;
    return this.#context.useIdToken === true ? tokens?.idToken : tokens?.accessToken;
  }

  #isBetter(tokens: TokenSet | undefined, old: string | undefined): boolean {
    return tokens !== undefined && this.#bearerOf(tokens) !== old && !this.#isExpired(tokens);
  }

  #isExpired(tokens: TokenSet): boolean {
    return tokens.expiresAt !== undefined && this.#now() >= tokens.expiresAt - expiryMargin;
  }
}
