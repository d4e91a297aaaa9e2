import type { AuthInfo } from '@modelcontextprotocol/server';
import type { Request, RequestHandler } from 'express';
import { callerOf, userOf } from '../caller.ts';
import { jsonRpcError } from '../json-rpc-error.ts';
import type { Log } from '../log.ts';
import type { SharedState } from '../shared-state/shared-state.ts';

/** Which limit was reached. */
export type LimitName = 'user' | 'client';

/** What {@link rateLimits} needs. Limits are requests a minute; 0 is no limit. */
export interface RateLimits {
  readonly user: number;
  readonly client: number;
  readonly sharedState: SharedState;
  readonly log: Log;
  /** Hears of every refusal. */
  readonly onRefusal: (limit: LimitName) => void;
}

/**
 * Refuses requests beyond the limits of their user and of their client with 429 (RFC 6585, section 4). It stands behind
 * bearer authentication: nobody can use up another's requests.
 */
export function rateLimits({ user, client, sharedState, log, onRefusal }: RateLimits): RequestHandler {
  const perUser = user === 0 ? undefined : sharedState.rateLimit('user', user);
  const perClient = client === 0 ? undefined : sharedState.rateLimit('client', client);
  return async (request: Request & { auth?: AuthInfo }, response, next) => {
    const { auth } = request;
    const limits = [
      { name: 'user', limit: perUser, key: userOf(auth) },
      { name: 'client', limit: perClient, key: auth?.clientId },
    ] as const;
    // The user first: one user beyond his own limit uses up nothing of the client's that others share.
    for (const { name, limit, key } of limits) {
      if (limit === undefined || key === undefined) continue;
      const { allowed, resetAfter } = await limit.take(key);
      if (allowed) continue;
      const retryAfter = Math.max(1, Math.ceil(resetAfter / 1_000));
      log.warn({ ...callerOf(auth), limit: name, retryAfter, status: 429 }, 'rate limit reached');
      onRefusal(name);
      response.set('Retry-After', String(retryAfter));
      response
        .status(429)
        .json(jsonRpcError(-32_000, `Too many requests of this ${name}. Try again in ${retryAfter} s.`));
      return;
    }
    next();
  };
}
