import { cleanLine, messageOf } from '@mcp-keyhole/cli-kit';
import { FusionAuthClient } from '@fusionauth/typescript-client';
import { boundedCalls, type Bounds } from './bounded-calls.ts';
import type { Observation } from './observation/observation.ts';
import { sparingly } from './unproven-keys.ts';

/** A JSON object whose members nobody has checked yet. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * FusionAuth's answer, or why there is none. `status` is absent when no HTTP answer came. `ofEarlierCall`: FusionAuth was not
 * asked, since that call got no answer either.
 */
export type Answer =
  | { readonly ok: true; readonly value: Claims }
  | { readonly ok: false; readonly status?: number; readonly detail: string; readonly ofEarlierCall?: true };

/** The calls that a resource server makes. None of them throws; each ends within the deadline. */
export interface FusionAuth {
  /** `GET /api/jwt/validate`: the claims of a token whose signature and expiry are right. Nothing else is checked. */
  validateToken(token: string): Promise<Answer>;
  /** `GET /oauth2/userinfo`: the claims about the user that the token's scopes allow. */
  userinfo(token: string): Promise<Answer>;
  /** `GET /.well-known/jwks.json`: `keys`, the public keys. */
  publicKeys(): Promise<Answer>;
  /** `GET /.well-known/openid-configuration` of the default tenant. */
  openIdConfiguration(): Promise<Answer>;
}

/** Milliseconds for one call to FusionAuth: well below the minute after which MCP hosts give up on a request. */
const callDeadline = 5_000;

/** Milliseconds between a call that got no answer and the next try. */
const failurePause = 1_000;

/**
 * FusionAuth at a URL, by its API; no request is sent yet.
 *
 * @param options.deadline milliseconds for one call; 5,000 by default
 * @param options.pause milliseconds between a call that got no answer and the next try of its kind; 1,000 by default
 * @param options.observation told when FusionAuth stops answering, and when it answers again
 */
export function connectFusionAuth(
  url: string,
  options: { deadline?: number; pause?: number; observation?: Observation } = {},
): FusionAuth {
  const client = new FusionAuthClient('', url);
  const deadline = options.deadline ?? callDeadline;
  const { log, metrics } = options.observation ?? {};
  const bounds = (call: string): Bounds => {
    metrics?.fusionAuthSilent(call, false);
    return {
      pause: options.pause ?? failurePause,
      onChange: (silence) => {
        metrics?.fusionAuthSilent(call, silence !== undefined);
        if (silence === undefined) log?.info({ call }, 'FusionAuth answers again');
        else log?.warn({ call, detail: silence }, 'FusionAuth does not answer; asked again now and then');
      },
    };
  };
  return {
    // Outside of the bounds: what is spared is no answer of FusionAuth's.
    validateToken: sparingly(
      boundedCalls(async (token: string) => {
        const answer = await settle(client.validateJWT(token), deadline);
        return answer.ok ? objectAnswer(answer.value['jwt']) : answer;
      }, bounds('validate')),
    ),
    userinfo: boundedCalls(
      (token: string) => settle(client.retrieveUserInfoFromAccessToken(token), deadline),
      // The token's claims will do meanwhile.
      { ...bounds('userinfo'), triesInBackground: true },
    ),
    publicKeys: () => settle(client.retrieveJsonWebKeySet(), deadline),
    openIdConfiguration: () => settle(client.retrieveOpenIdConfiguration(), deadline),
  };
}

/** The client has no timeout, and rejects with objects that are not errors: both end here. */
async function settle(call: Promise<{ response?: unknown }>, deadline: number): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: `no answer within ${deadline} ms` }), deadline);
  });
  const answer = call.then(({ response }) => objectAnswer(response), failedAnswer);
  try {
    return await Promise.race([answer, expiry]);
  } finally {
    clearTimeout(timer);
  }
}

function objectAnswer(value: unknown): Answer {
  if (isObject(value)) return { ok: true, value };
  return { ok: false, status: 200, detail: 'an answer that is not the JSON that FusionAuth sends' };
}

function failedAnswer(thrown: unknown): Answer {
  const { statusCode, exception } = (isObject(thrown) ? thrown : {}) as {
    statusCode?: unknown;
    exception?: unknown;
  };
  if (typeof statusCode === 'number') {
    return { ok: false, status: statusCode, detail: `HTTP status ${statusCode}` };
  }
  return { ok: false, detail: cleanLine(messageOf(exception ?? thrown)) };
}

function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
