import {
  InsufficientScopeError,
  isJSONRPCErrorResponse,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnauthorizedError,
  type JSONRPCErrorResponse,
  type RequestId,
} from '@modelcontextprotocol/client';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors, ProxyError } from '../errors.ts';

/** JSON-RPC's range for errors that an implementation defines. */
const implementationDefined = -32_000;

/** The JSON-RPC error for a request that could not be carried out: hosts show its message, programs read `data.code`. */
export function failureAnswer(id: RequestId, error: ProxyError): JSONRPCErrorResponse {
  return {
    jsonrpc: '2.0',
    id,
    error: {
      code: implementationDefined,
      message: `${error.message} ${error.remedy}`,
      data: { code: error.code, remedy: error.remedy },
    },
  };
}

/** The server's own answer to a request, where it came with an HTTP error (404 with -32601, MCP 2026-07-28). */
export function answerWithin(thrown: unknown, id: RequestId): JSONRPCErrorResponse | undefined {
  if (!(thrown instanceof SdkHttpError)) return undefined;
  try {
    const body: unknown = JSON.parse(bodyOf(thrown));
    return isJSONRPCErrorResponse(body) && body.id === id ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Translates what the HTTP side throws, the one place where its error types are known. */
export function explainHttpFailure(thrown: unknown, server: URL): ProxyError {
  if (thrown instanceof ProxyError) return thrown;
  if (thrown instanceof InsufficientScopeError) return errors.scopeMissing(server, thrown.requiredScope);
  if (thrown instanceof UnauthorizedError) return errors.tokenRefused(server);
  if (thrown instanceof SdkHttpError) {
    if (thrown.code === SdkErrorCode.ClientHttpAuthentication) return errors.tokenRefused(server);
    if (thrown.status >= 300 && thrown.status < 400) return errors.serverRedirected(server);
    return errors.serverError(server, thrown.status, bodyOf(thrown));
  }
  if (thrown instanceof SdkError || thrown instanceof SyntaxError) {
    return errors.serverAnswerUnusable(server, messageOf(thrown), thrown);
  }
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  if (cause instanceof ProxyError) return cause;
  if (thrown instanceof TypeError)
    return errors.serverUnreachable(server, networkReason(cause ?? thrown), thrown);
  return errors.serverAnswerUnusable(server, messageOf(thrown), thrown);
}

/** What the server said, as far as the SDK keeps it. */
function bodyOf(thrown: SdkHttpError): string {
  const { text } = thrown.data;
  return typeof text === 'string' && text !== '' ? text : (thrown.statusText ?? '');
}

/** A refused connection to both addresses of a name is an AggregateError without words of its own. */
function networkReason(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join(', ');
  return messageOf(cause);
}
