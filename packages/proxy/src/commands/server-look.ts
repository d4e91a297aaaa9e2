import type { Client } from '@modelcontextprotocol/client';
import { createHttpTransport, type HttpOptions, type TokenChallenge } from '../bridge/http.ts';
import type { ProxyConfig } from '../config.ts';
import { errors, ProxyError } from '../errors.ts';
import { withClient } from './client-session.ts';

const answerWithin = 15_000;

/** What a server shows of itself without a sign-in, or with the token given. */
export interface Look {
  /** The first answer; undefined when there was none. */
  readonly answer?: { readonly status: number; readonly milliseconds: number } | undefined;
  /** What it asks for in place of the token that the request had or lacked, and its `WWW-Authenticate` as it stands. */
  readonly challenge?: TokenChallenge | undefined;
  readonly challengeHeader?: string | undefined;
  /** Who it says it is, once it let us in. */
  readonly identity?:
    { readonly name: string; readonly protocol: string; readonly tools: number } | undefined;
  /** Why it did not get that far, a challenge apart. */
  readonly failure?: ProxyError | undefined;
}

/** Connects as a host would and lists the tools, but neither signs in nor refreshes: nothing changes anywhere. */
export async function lookAt(
  server: URL,
  options: {
    httpOptions: Omit<HttpOptions, 'tokens'>;
    transport: ProxyConfig['transport'];
    token?: string | undefined;
    signal: AbortSignal;
  },
): Promise<Look> {
  const seen: { -readonly [Name in keyof Look]: Look[Name] } = {};
  const begin = performance.now();
  const base = options.httpOptions.fetch ?? fetch;
  const refuse = (challenge: TokenChallenge): Promise<never> => {
    seen.challenge = challenge;
    return Promise.reject(errors.tokenRefused(server));
  };
  const watched: HttpOptions = {
    ...options.httpOptions,
    tokens: {
      token: () => Promise.resolve(options.token),
      onUnauthorized: (_rejected, challenge) => refuse(challenge),
      onInsufficientScope: (_insufficient, challenge) => refuse(challenge),
      onAccepted: () => undefined,
    },
    fetch: async (input, init) => {
      const response = await base(input, init);
      seen.answer ??= { status: response.status, milliseconds: Math.round(performance.now() - begin) };
      seen.challengeHeader ??= response.headers.get('www-authenticate') ?? undefined;
      return response;
    },
  };
  const isEventStream = options.transport === 'sse-only';
  const transport = isEventStream
    ? (await import('../bridge/sse.ts')).createEventStreamTransport(server, watched)
    : createHttpTransport(server, watched);
  const era = isEventStream ? 'legacy' : 'auto';
  const bounds = { timeout: answerWithin, signal: options.signal };
  try {
    const identify = async (client: Client): Promise<Look['identity']> => ({
      name: client.getServerVersion()?.name ?? 'a server without a name',
      protocol: client.getNegotiatedProtocolVersion() ?? 'unknown',
      tools: (await client.listTools(undefined, bounds)).tools.length,
    });
    seen.identity = await withClient(transport, server, bounds, identify, era);
  } catch (error) {
    if (!(error instanceof ProxyError) || options.signal.aborted) throw error;
    if (seen.challenge === undefined) seen.failure = error;
  }
  return seen;
}
