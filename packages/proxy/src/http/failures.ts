/** The request never left this machine: nothing happened at the server, and sending it again is safe. */
export class NotSent extends Error {}

/** The request may have reached the server, and there is no answer, or not all of it. */
export class ConnectionLost extends Error {}

/** What went wrong in words: a refused connection to both addresses of a name is an error without any of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
