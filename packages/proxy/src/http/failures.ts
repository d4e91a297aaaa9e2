/** The request never left this machine as a whole: nothing happened at the server, and sending it again is safe. */
export class NotSent extends Error {}

/** The request may have reached the server, and there is no answer, or not all of it. */
export class ConnectionLost extends Error {}

/** What an error of the network means for the request. @param isSent whether it may have reached the server as a whole */
export function failureFrom(error: unknown, isSent: boolean): NotSent | ConnectionLost {
  if (error instanceof NotSent || error instanceof ConnectionLost) return error;
  const Failure = isSent && !isRefusedHandshake(error) ? ConnectionLost : NotSent;
  return new Failure(reasonOf(error), { cause: error });
}

/**
 * Whether the server refused our certificate, or that there is none: of TLS 1.3 the client learns that when it has begun to
 * send, and the server has read nothing (RFC 8446, section 4.4.2.4).
 */
function isRefusedHandshake(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^ERR_SSL_\w*_ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/u.test(code);
}

/** What went wrong in words: a refused connection to both addresses of a name is an error without any of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  if (!(error instanceof Error)) return String(error);
  // OpenSSL's own message is full of its source files.
  const { library, reason } = error as { library?: unknown; reason?: unknown };
  return library !== undefined && typeof reason === 'string' ? reason : error.message;
}
