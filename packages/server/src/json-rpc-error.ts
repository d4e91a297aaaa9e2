/** The body of an answer to a request whose JSON-RPC id is not known, or not read. */
export function jsonRpcError(code: number, message: string): object {
  return { jsonrpc: '2.0', error: { code, message }, id: null };
}
