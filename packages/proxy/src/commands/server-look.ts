import { noMemory } from '../bridge/remembered-server.ts';
import type { ProxyConfig } from '../config.ts';
import { errors, ProxyError } from '../errors.ts';
import { Endpoint, type EndpointOptions, type TokenChallenge } from '../http/endpoint.ts';
import { openSide } from '../proxy.ts';
import type { ProofKey } from '../token-store/proof-key.ts';
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
    endpointOptions: Omit<EndpointOptions, 'tokens'>;
    transport: ProxyConfig['transport'];
    token?: string | undefined;
    /** What it is bound to. */
    proofKey?: ProofKey | undefined;
    signal: AbortSignal;
  },
): Promise<Look> {
  const { endpointOptions, transport, token, proofKey, signal } = options;
  const seen: { -readonly [Name in keyof Look]: Look[Name] } = {};
  const begin = performance.now();
  let protocol: string | undefined;
  const refuse = (challenge: TokenChallenge): Promise<never> => {
    seen.challenge = challenge;
    return Promise.reject(errors.tokenRefused(server));
  };
  const endpoint = new Endpoint(server, {
    ...endpointOptions,
    tokens: {
      token: () => Promise.resolve(token),
      proofKey: () => proofKey,
      onUnauthorized: (_rejected, challenge) => refuse(challenge),
      onInsufficientScope: (_insufficient, challenge) => refuse(challenge),
      onAccepted: () => undefined,
    },
    exchange: async (request) => {
      const response = await endpointOptions.exchange(request);
      seen.answer ??= { status: response.status, milliseconds: Math.round(performance.now() - begin) };
      const challenge = response.headers['www-authenticate'];
      seen.challengeHeader ??= Array.isArray(challenge) ? challenge.join(', ') : challenge;
      // What the two have agreed on stands on every request but the first.
      protocol = request.headers['mcp-protocol-version'] ?? protocol;
      return response;
    },
  });
  const bounds = { timeout: answerWithin, signal };
  const { log } = endpointOptions;
  try {
    await withClient(
      (onMessage) => openSide(transport, { endpoint, memory: noMemory, onMessage, log }),
      server,
      bounds,
      async (client) => {
        const { tools } = await client.listTools(undefined, bounds);
        const name = client.getServerVersion()?.name ?? 'a server without a name';
        protocol ??= client.getNegotiatedProtocolVersion() ?? 'unknown';
        seen.identity = { name, protocol, tools: tools.length };
      },
    );
  } catch (error) {
    if (!(error instanceof ProxyError) || signal.aborted) throw error;
    if (seen.challenge === undefined) seen.failure = error;
  }
  return seen;
}
