import { Cancellation } from '../cancellation.ts';
import { messageOf, type Log } from '@mcp-keyhole/cli-kit';
import { unlessAborted } from '../deadline.ts';
import { errors } from '../errors.ts';
import type { Listeners } from '../listeners.ts';
import { pause } from '../pause.ts';
import type { ProofKey } from '../token-store/proof-key.ts';
import { discard } from './body.ts';
import type { BoundRequests } from './bound-requests.ts';
import { readChallenge } from './challenge.ts';
import { headerOf, type Exchange, type HttpRequest, type HttpResponse } from './exchange.ts';
import { ConnectionLost, NotSent } from './failures.ts';

/** What a 401 or a 403 asks for (RFC 6750, section 3). */
export interface TokenChallenge {
  readonly resourceMetadataUrl?: URL | undefined;
  readonly scope?: string | undefined;
  /** The server takes tokens that are bound to a key (RFC 9449); `demanded`: no others. */
  readonly dpop?: DpopChallenge | undefined;
}

/** What a DPoP challenge says (RFC 9449, section 7.1). */
export interface DpopChallenge {
  readonly demanded: boolean;
  /** The JWS algorithms of proofs that the server verifies; undefined when it does not say. */
  readonly algorithms?: readonly string[] | undefined;
}

/** The bearer token as the endpoint sees it: who provides it and how is not its business. */
export interface TokenProvider {
  /** The token for the next request; undefined sends the request without one. */
  token(): Promise<string | undefined>;
  /** The key that the token just given is bound to; undefined for a bearer token. Absent: all are bearer tokens. */
  proofKey?(): ProofKey | undefined;
  /** Called on a 401; afterwards the request is sent once more. `rejected` is the token that the request carried. */
  onUnauthorized(rejected: string | undefined, challenge: TokenChallenge): Promise<void>;
  /** Called on a 403 that asks for more scopes than the request's token has; afterwards it is sent again. */
  onInsufficientScope(insufficient: string, challenge: TokenChallenge): Promise<void>;
  /** Called when the server took a request with this token. */
  onAccepted(accessToken: string): void;
}

/** What an {@link Endpoint} is made of. */
export interface EndpointOptions {
  readonly exchange: Exchange;
  readonly tokens: TokenProvider;
  /** The user's own headers, found out before the first request. */
  readonly headers: () => Promise<readonly (readonly [name: string, value: string])[]>;
  readonly log: Log;
  /** Told when a request cannot be sent at the moment and is tried again. */
  readonly delays?: Listeners<EndpointDelay>;
}

/** Why a request is tried again: the server has put it off, or cannot be reached. */
export type EndpointDelay = 'busy' | 'unreachable';

/** A request to the endpoint; its URL is the server's unless another is given (2024-11-05). */
export interface EndpointRequest extends Omit<HttpRequest, 'url'> {
  readonly url?: URL | undefined;
  /**
   * Nobody waits for it: it is tried once, and never leads to a sign-in. A 401 is then a response like others.
   */
  readonly background?: boolean;
  /** Milliseconds until the head of the response must be there, sign-in not counted; then it counts as lost. */
  readonly answerWithin?: number;
}

/** How often one request may lead to a sign-in for further scopes. */
const mostStepUps = 2;
/** How long a request that the server has put off (429, 503) goes on being tried: less than hosts wait, 60 s. */
const busyWithin = 45_000;
const leastBusyPause = 1_000;
/** How often a request is put off by a server that does not say for how long. */
const mostBusyAnswers = 3;
/** How long a request that could not be sent is tried again: a server restarts in that time, a network comes back. */
export const unreachableWithin = 10_000;
const firstPause = 250;
const longestPause = 2_000;
/** Frameworks send /mcp to /mcp/; more than that is a loop. */
const mostRedirects = 3;

/** The MCP endpoint: requests with a bearer token, never in the URL, and again after a 401, a 403 or "not now". */
export class Endpoint {
  readonly url: URL;
  readonly #options: EndpointOptions;
  #boundRequests: Promise<BoundRequests> | undefined;
  /** Where the server says it is for good (308). */
  #moved: URL | undefined;

  constructor(url: URL, options: EndpointOptions) {
    this.url = url;
    this.#options = options;
  }

  /**
   * Sends a request until there is a response that is for the caller: any status but those that have been dealt with.
   *
   * @throws ProxyError; ConnectionLost when the outcome is unknown; the signal's reason
   */
  async send(request: EndpointRequest): Promise<HttpResponse> {
    const { tokens } = this.#options;
    const begin = performance.now();
    let url = request.url ?? this.#moved ?? this.url;
    let redirects = 0;
    let refused = false;
    let stepUps = 0;
    let busyAnswers = 0;
    for (;;) {
      // A sign-in goes on for others when this request is not waited for any more.
      const token = await unlessAborted(tokens.token(), request.signal);
      const key = token === undefined ? undefined : tokens.proofKey?.();
      const response =
        token === undefined || key === undefined
          ? await this.#reach({ ...request, url }, token)
          : await this.#reachBound({ ...request, url }, token, key);
      const { status } = response;
      if (status === 401 && request.background !== true) {
        discard(response);
        if (refused) throw errors.tokenRefused(this.url);
        refused = true;
        const challenge = readChallenge(headerOf(response, 'www-authenticate'));
        await unlessAborted(tokens.onUnauthorized(token, challenge), request.signal);
        continue;
      }
      if (token !== undefined && status !== 401) tokens.onAccepted(token);
      if (status === 403 && request.background !== true) {
        const challenge = readChallenge(headerOf(response, 'www-authenticate'));
        if (challenge.error === 'insufficient_scope') {
          discard(response);
          if (token === undefined || stepUps === mostStepUps)
            throw errors.scopeMissing(this.url, challenge.scope);
          stepUps += 1;
          await unlessAborted(tokens.onInsufficientScope(token, challenge), request.signal);
          continue;
        }
      }
      if ((status === 307 || status === 308) && redirects < mostRedirects) {
        const target = sameOrigin(headerOf(response, 'location'), url);
        if (target !== undefined) {
          discard(response);
          redirects += 1;
          url = target;
          if (status === 308 && request.url === undefined) this.#moved = target;
          continue;
        }
      }
      if ((status === 429 || status === 503) && request.background !== true) {
        const wait = waitOf(response, busyAnswers);
        busyAnswers += 1;
        if (wait !== undefined && performance.now() - begin + wait < busyWithin) {
          discard(response);
          this.#delayed('busy', `HTTP ${String(status)}`, wait);
          await pause(wait, request.signal);
          continue;
        }
      }
      return response;
    }
  }

  /** RFC 9449; what that takes is loaded when the first such token comes. */
  async #reachBound(
    request: EndpointRequest & { readonly url: URL },
    value: string,
    key: ProofKey,
  ): Promise<HttpResponse> {
    this.#boundRequests ??= import('./bound-requests.ts').then((module) => new module.BoundRequests());
    const requests = await this.#boundRequests;
    return requests.send(request, { value, key }, (prove) => this.#reach(request, value, prove));
  }

  /**
   * Sends once it is possible: what has not left this machine may be sent again.
   *
   * @param prove makes the proof for a token that is bound to a key, a fresh one for each attempt
   */
  async #reach(
    request: EndpointRequest & { readonly url: URL },
    token: string | undefined,
    prove?: () => Promise<string>,
  ): Promise<HttpResponse> {
    const headers = await this.#headers(request.headers, token, prove === undefined ? 'Bearer' : 'DPoP');
    const begin = performance.now();
    for (let wait = firstPause; ; wait = Math.min(2 * wait, longestPause)) {
      try {
        if (prove !== undefined) headers['dpop'] = await prove();
        return await this.#exchange({ ...request, headers });
      } catch (error) {
        if (!(error instanceof NotSent)) throw error;
        const isOver = performance.now() - begin + wait > unreachableWithin;
        if (isOver || request.background === true || !mayPass(error)) {
          throw errors.serverUnreachable(this.url, messageOf(error), error);
        }
        this.#delayed('unreachable', messageOf(error), wait);
        await pause(wait, request.signal);
      }
    }
  }

  async #exchange(request: HttpRequest & Pick<EndpointRequest, 'answerWithin'>): Promise<HttpResponse> {
    const { exchange } = this.#options;
    const { answerWithin, signal } = request;
    if (answerWithin === undefined) return exchange(request);
    const bounded = new Cancellation();
    const onAbort = (): void => {
      bounded.abort(signal.reason);
    };
    const unlink = (): void => {
      signal.removeEventListener('abort', onAbort);
    };
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort);
    const timer = setTimeout(() => {
      bounded.abort(new ConnectionLost(`there was no answer within ${String(answerWithin / 1_000)} seconds`));
    }, answerWithin);
    try {
      const response = await exchange({ ...request, signal: bounded.signal });
      response.body.once('close', unlink);
      return response;
    } catch (error) {
      unlink();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #delayed(kind: EndpointDelay, why: string, wait: number): void {
    const { log, delays } = this.#options;
    log.debug('the request is tried again', { why, milliseconds: Math.round(wait) });
    delays?.emit(kind);
  }

  async #headers(
    own: Readonly<Record<string, string>>,
    token: string | undefined,
    scheme: 'Bearer' | 'DPoP',
  ): Promise<Record<string, string>> {
    const headers: Record<string, string> = { ...own };
    if (token !== undefined) headers['authorization'] = `${scheme} ${token}`;
    for (const [name, value] of await this.#options.headers()) headers[name.toLowerCase()] = value;
    return headers;
  }
}

/** Where a redirect leads, unless that is another origin: a token is never sent along to one. */
function sameOrigin(location: string | undefined, from: URL): URL | undefined {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const target = new URL(location, from);
  return target.origin === from.origin ? target : undefined;
}

/** How long the server wants to be left alone, in milliseconds (RFC 9110, section 10.2.3); undefined is "for good". */
function waitOf(response: HttpResponse, busyAnswers: number): number | undefined {
  const value = headerOf(response, 'retry-after')?.trim() ?? '';
  // "Now" is believed once.
  const least = busyAnswers === 0 ? 0 : leastBusyPause;
  if (/^\d+$/u.test(value)) return Math.max(least, Number(value) * 1_000);
  const date = Date.parse(value);
  if (!Number.isNaN(date)) return Math.max(least, date - Date.now());
  return busyAnswers < mostBusyAnswers ? 1_000 * 2 ** busyAnswers : undefined;
}

/** Whether it may be otherwise in a moment: a wrong certificate is wrong then too. */
function mayPass(error: NotSent): boolean {
  const passing = /^(?:ECONN|ENOTFOUND|EAI_AGAIN|ENET|EHOST|EPIPE|ETIMEDOUT)/u;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && passing.test(cause.code)) return true;
  }
  return /connect/iu.test(error.message) && error.cause === undefined;
}
