import type { Signal } from '../cancellation.ts';
import type { Log } from '@mcp-keyhole/cli-kit';
import { withDeadline } from '../deadline.ts';
import { ProxyError } from '../errors.ts';
import { rpcErrorIn, refusalOf } from '../http/answer.ts';
import type { Endpoint } from '../http/endpoint.ts';
import { ConnectionLost } from '../http/failures.ts';
import { Message, objectOf, type JsonObject, type RpcError } from './message.ts';
import { protocolVersionKey } from './modern-server.ts';
import { newPosition, postHeaders, readAnswer } from './posting.ts';

/** legacy: the protocol up to 2025-11-25, with `initialize` and sessions. modern: 2026-07-28, stateless. */
export type Era = 'legacy' | 'modern';

/** The modern protocol version that Keyhole speaks of its own accord. */
export const modernVersion = '2026-07-28';

/** Protocol versions are dates, and what is not newer than this one is of the legacy era. */
export const newestLegacyVersion = '2025-11-25';

const unsupportedVersion = -32_022;
/** Header mismatch and missing capability: only a modern server says so. */
const modernCodes = new Set([-32_020, -32_021]);

/** How long a server may take to answer a question that it may not know; then it counts as a legacy one, for this run. */
const verdictWithin = 15_000;

/** What a message says of its sender's era: a modern one names its protocol version in every request. */
export function eraOf(message: Message): Era {
  return message.method === 'server/discover' || message.meta[protocolVersionKey] !== undefined
    ? 'modern'
    : 'legacy';
}

/** The `_meta` of a modern request of our own. */
export function modernMeta(clientInfo: JsonObject, clientCapabilities: JsonObject): JsonObject {
  return {
    [protocolVersionKey]: modernVersion,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': clientCapabilities,
  };
}

/**
 * Finds out which era a server speaks, by asking it as a modern host would (MCP 2026-07-28, versioning, "Backward
 * Compatibility"): a server that speaks both counts as modern.
 *
 * @returns the era, and whether it is certain
 * @throws ProxyError where the server does not work; the signal's reason
 */
export async function askEra(
  endpoint: Endpoint,
  clientInfo: JsonObject,
  signal: Signal,
  log: Log,
): Promise<{ era: Era; certain: boolean }> {
  const id = 'keyhole-discover';
  const question = Message.request(id, 'server/discover', { _meta: modernMeta(clientInfo, {}) });
  const headers = postHeaders({ 'mcp-protocol-version': modernVersion, 'mcp-method': 'server/discover' });
  try {
    const request = { method: 'POST' as const, headers, body: question.bytes, signal };
    const response = await endpoint.send({ ...request, answerWithin: verdictWithin });
    const refusal = await refusalOf(response);
    if (refusal !== undefined) {
      const error = rpcErrorIn(refusal, id);
      // Some servers fail at what they do not know; others just fail at the moment.
      if (error === undefined)
        return { era: 'legacy', certain: refusal.status >= 400 && refusal.status < 500 };
      return { era: eraOfError(error), certain: true };
    }
    const options = { id, onMessage: () => undefined, position: newPosition(), log };
    const answer = await withDeadline(readAnswer(endpoint.url, response, options), {
      milliseconds: verdictWithin,
      error: () => new ConnectionLost('the answer did not come'),
      signal,
    });
    if (answer === undefined) return { era: 'legacy', certain: false };
    if (answer.error !== undefined) return { era: eraOfError(answer.error), certain: true };
    return { era: isModernList(answer.result?.['supportedVersions']) ? 'modern' : 'legacy', certain: true };
  } catch (error) {
    signal.throwIfAborted();
    // It answered, or kept silent, as no server of this protocol does: its answer to `initialize` will show what it is.
    const isOdd = error instanceof ProxyError && error.code === 'server-answer-unusable';
    if (isOdd || error instanceof ConnectionLost) return { era: 'legacy', certain: false };
    throw error;
  }
}

function eraOfError({ code, data }: RpcError): Era {
  if (modernCodes.has(code)) return 'modern';
  return code === unsupportedVersion && isModernList(objectOf(data)['supported']) ? 'modern' : 'legacy';
}

function isModernList(versions: unknown): boolean {
  return Array.isArray(versions) && versions.includes(modernVersion);
}
