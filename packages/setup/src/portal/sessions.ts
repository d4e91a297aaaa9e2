import { randomBytes, timingSafeEqual } from 'node:crypto';
import { parseCookie } from 'cookie';
import type { CookieOptions, Request, Response } from 'express';
import { LRUCache } from 'lru-cache';
import type { PendingSignIn, User } from './sign-in.ts';

/** How long somebody stays signed in, in milliseconds. FusionAuth's own session makes the next sign-in one click. */
const sessionLifetime = 60 * 60_000;
/** How long a sign-in at FusionAuth may take, in milliseconds. */
const signInLifetime = 10 * 60_000;
/** How many of each are remembered; beyond that the one that was used least recently is forgotten. */
const capacity = 10_000;

/** Somebody who is signed in. */
export interface Session {
  readonly user: User;
  /** What every form has to bring back. */
  readonly csrf: string;
  /** What the next page tells, once. */
  notice?: string | undefined;
  /** The secret of a client that was just registered: its page shows it once, and forgets it. */
  secret?: { readonly id: string; readonly clientSecret: string } | undefined;
}

/** Who is signed in with which browser, in memory: a restart of the portal forgets it. */
export class Sessions {
  readonly #sessions: LRUCache<string, Session>;
  readonly #pending: LRUCache<string, PendingSignIn & { browser: string }>;
  readonly #sessionCookie: string;
  readonly #signInCookie: string;
  readonly #cookie: CookieOptions;

  /**
   * @param portalUrl the portal's origin
   * @param now milliseconds that only grow
   */
  constructor(portalUrl: string, now: () => number = () => performance.now()) {
    const bounds = { max: capacity, ttlResolution: 0, perf: { now } };
    this.#sessions = new LRUCache({ ...bounds, ttl: sessionLifetime });
    this.#pending = new LRUCache({ ...bounds, ttl: signInLifetime });
    const { protocol, port } = new URL(portalUrl);
    const secure = protocol === 'https:';
    // Cookies do not know ports: on loopback two portals would take each other's. With https the prefix keeps other
    // hosts of the domain from setting it (RFC 6265bis, section 4.1.3.2).
    const prefix = secure ? '__Host-keyhole' : `keyhole-${port === '' ? '80' : port}`;
    this.#sessionCookie = `${prefix}-session`;
    this.#signInCookie = `${prefix}-sign-in`;
    // Lax, not Strict: the way back from FusionAuth comes from another site.
    this.#cookie = { httpOnly: true, sameSite: 'lax', secure, path: '/' };
  }

  /** The session of the browser that asks. */
  of(request: Request): Session | undefined {
    const id = this.#read(request, this.#sessionCookie);
    return id === undefined ? undefined : this.#sessions.get(id);
  }

  /** Begins a session with an id that nobody could know before: one that was planted in the browser is worth nothing. */
  begin(request: Request, response: Response, user: User): void {
    this.#forget(request);
    const id = secret();
    this.#sessions.set(id, { user, csrf: secret() });
    response.clearCookie(this.#signInCookie, this.#cookie);
    response.cookie(this.#sessionCookie, id, { ...this.#cookie, maxAge: sessionLifetime });
  }

  end(request: Request, response: Response): void {
    this.#forget(request);
    response.clearCookie(this.#sessionCookie, this.#cookie);
  }

  /** Remembers a sign-in that this browser goes to FusionAuth for; several tabs may do so at once. */
  remember(request: Request, response: Response, pending: PendingSignIn): void {
    const browser = this.#read(request, this.#signInCookie) ?? secret();
    this.#pending.set(pending.state, { ...pending, browser });
    response.cookie(this.#signInCookie, browser, { ...this.#cookie, maxAge: signInLifetime });
  }

  /** The sign-in with that state, once, and only for the browser that began it (RFC 9700, section 4.7.1). */
  recall(request: Request, state: string): PendingSignIn | undefined {
    const pending = this.#pending.get(state);
    const browser = this.#read(request, this.#signInCookie);
    if (pending === undefined || browser === undefined || !sameSecret(browser, pending.browser))
      return undefined;
    this.#pending.delete(state);
    return pending;
  }

  #forget(request: Request): void {
    const id = this.#read(request, this.#sessionCookie);
    if (id !== undefined) this.#sessions.delete(id);
  }

  #read(request: Request, name: string): string | undefined {
    return parseCookie(request.get('cookie') ?? '')[name];
  }
}

/** 256 bits, URL-safe. */
function secret(): string {
  return randomBytes(32).toString('base64url');
}

/** Compares without telling by the time it takes how much was right. */
export function sameSecret(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
