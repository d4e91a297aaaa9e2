import { createHash } from 'node:crypto';
import type { Log } from '@mcp-keyhole/cli-kit';
import type { Challenge } from './authorization/types.ts';
import { errors, ProxyError } from './errors.ts';
import type { StateFolder } from './state-folder.ts';
import { accountOf, type SignInKey, type TokenSet, type TokenStore } from './token-store/token-store.ts';

/** A token this close to its end counts as expired: it could end on the way. */
const expiryMargin = 10_000;
/** After a sign-in that failed, further requests get the same error for this long, rather than a tab each. */
const signInPause = 30_000;

/** How tokens are obtained; both may throw ProxyErrors. */
export interface Authorizer {
  /** Signs the user in. */
  authorize(challenge: Challenge): Promise<TokenSet>;
  /** New tokens, or undefined when the grant is gone. Throws when the outcome is open (network, 5xx). */
  refresh(tokens: TokenSet): Promise<TokenSet | undefined>;
}

/** What {@link BearerToken} works with. */
export interface BearerTokenContext {
  readonly server: URL;
  readonly key: SignInKey;
  readonly store: TokenStore;
  readonly folder: StateFolder;
  readonly authorizer: Authorizer;
  readonly log: Log;
  /** How long to wait for another process that is signing in, in milliseconds. */
  readonly signInTimeout: number;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

/**
 * The bearer token of one sign-in: read from the store, refreshed or obtained anew when it must be. Whoever comes while
 * that happens waits and gets the result: inside this process by a queue, between processes by a lock under which the
 * store is read again first.
 */
export class BearerToken {
  readonly #context: BearerTokenContext;
  readonly #now: () => number;
  #tokens: TokenSet | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  /** A refresh token that its authorization server has declared dead. */
  #deadRefreshToken: string | undefined;
  #failedSignIn: { readonly error: unknown; readonly until: number } | undefined;
  /** A token fresh from a sign-in that the server has not accepted yet. */
  #unproven: { readonly accessToken: string; readonly until: number } | undefined;

  constructor(context: BearerTokenContext) {
    this.#context = context;
    this.#now = context.now ?? Date.now;
  }

  /**
   * The token for the next request: undefined when there is none, so that the server's 401 starts the sign-in. Never
   * opens a browser.
   *
   * @throws ProxyError when the store or the token endpoint does not work: that is not "signed out"
   */
  async token(): Promise<string | undefined> {
    this.#tokens ??= await this.#context.store.load(this.#context.key);
    if (this.#tokens === undefined || !this.#isExpired(this.#tokens)) return this.#tokens?.accessToken;
    const expired = this.#tokens.accessToken;
    await this.#inTurn(() => this.#renew(expired));
    return this.#tokens.accessToken === expired ? undefined : this.#tokens.accessToken;
  }

  /**
   * Handles a 401: takes the tokens that somebody else has obtained meanwhile, or refreshes, or signs in.
   *
   * @param rejected the token that the server refused; undefined when the request had none
   * @throws ProxyError when there is no token afterwards
   */
  async onUnauthorized(rejected: string | undefined, challenge: Challenge): Promise<void> {
    await this.#inTurn(async () => {
      // A server that refuses what its authorization server has just issued would go on for ever, a tab each time.
      if (
        rejected !== undefined &&
        rejected === this.#unproven?.accessToken &&
        this.#now() < this.#unproven.until
      ) {
        throw errors.tokenRefused(this.#context.server);
      }
      if (await this.#renew(rejected)) return;
      await this.#signIn(challenge);
    });
  }

  /** Says that the server took a request with this token. */
  onAccepted(accessToken: string): void {
    if (accessToken === this.#unproven?.accessToken) this.#unproven = undefined;
  }

  /** Makes sure that `#tokens` are newer than the token given, without a browser. Whether that worked. */
  async #renew(old: string | undefined): Promise<boolean> {
    const { store, key, authorizer, log } = this.#context;
    if (this.#isBetter(this.#tokens, old)) return true;
    const stored = await store.load(key);
    if (this.#isBetter(stored, old)) {
      this.#tokens = stored;
      return true;
    }
    // Tokens that could not be stored live on in memory.
    const known = stored ?? this.#tokens;
    if (known?.refreshToken === undefined || known.refreshToken === this.#deadRefreshToken) return false;
    const renewed = await authorizer.refresh(known).catch((error: unknown) => {
      // The client may not refresh at all: only a sign-in helps, and whoever set it up should know why.
      if (!(error instanceof ProxyError) || error.code !== 'token-request-failed') throw error;
      log.warn(`${error.message} ${error.remedy}`);
      return undefined;
    });
    if (renewed === undefined) {
      this.#deadRefreshToken = known.refreshToken;
      return false;
    }
    log.debug('access token refreshed');
    await this.#keep(renewed);
    return true;
  }

  async #signIn(challenge: Challenge): Promise<void> {
    if (this.#failedSignIn !== undefined && this.#now() < this.#failedSignIn.until)
      throw this.#failedSignIn.error;
    try {
      const tokens = await this.#context.authorizer.authorize(challenge);
      this.#failedSignIn = undefined;
      this.#unproven = { accessToken: tokens.accessToken, until: this.#now() + signInPause };
      await this.#keep(tokens);
    } catch (error) {
      this.#failedSignIn = { error, until: this.#now() + signInPause };
      if (error instanceof ProxyError)
        this.#context.log.warn(`${error.message} ${error.remedy}`, { code: error.code });
      throw error;
    }
  }

  /** Tokens that cannot be stored still serve this process; the user is told what that means. */
  async #keep(tokens: TokenSet): Promise<void> {
    const { store, key, log } = this.#context;
    const isNew = this.#tokens === undefined;
    this.#tokens = tokens;
    try {
      await store.save(key, tokens);
      if (isNew) log.info(`tokens are kept in ${store.place}`);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      log.warn(`The sign-in could not be kept and ends with this process. ${error.message} ${error.remedy}`, {
        code: error.code,
      });
    }
  }

  #isBetter(tokens: TokenSet | undefined, old: string | undefined): boolean {
    return tokens !== undefined && tokens.accessToken !== old && !this.#isExpired(tokens);
  }

  #isExpired(tokens: TokenSet): boolean {
    return tokens.expiresAt !== undefined && this.#now() >= tokens.expiresAt - expiryMargin;
  }

  /** One after another in this process, and one process at a time on this machine. */
  async #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#queue.then(() => this.#locked(work));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #locked<Value>(work: () => Promise<Value>): Promise<Value> {
    const { folder, key, log, server, signal, signInTimeout } = this.#context;
    const patience = signInTimeout + 30_000;
    const busy = AbortSignal.timeout(patience);
    let waiting = true;
    return folder
      .locked(
        `sign-in-${createHash('sha256').update(accountOf(key)).digest('hex').slice(0, 16)}`,
        () => {
          waiting = false;
          return work();
        },
        {
          signal: AbortSignal.any([signal, busy]),
          onWait: () => log.debug('another process is renewing or signing in; waiting for it'),
          onLost: () => log.debug('the lock was lost; the store decides whose tokens stay'),
        },
      )
      .catch((error: unknown) => {
        if (waiting && busy.aborted && !signal.aborted) throw errors.signInBusy(server, patience);
        throw error;
      });
  }
}
