import { parseJSONRPCMessage, type JSONRPCMessage } from '@modelcontextprotocol/server';

/** Messages in one POST, at most (batches of 2025-03-26). */
const mostInBatch = 100;

/** The JSON-RPC messages of a body; undefined when it is none, or holds something else. */
export function messagesOf(body: unknown): JSONRPCMessage[] | undefined {
  const all: unknown[] = Array.isArray(body) ? body : [body];
  if (all.length === 0 || all.length > mostInBatch) return undefined;
  try {
    return all.map((message) => parseJSONRPCMessage(message));
  } catch {
    return undefined;
  }
}
