import { createServer, type RequestListener } from 'node:http';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from '../errors.ts';

/** How long a browser may take to send a request, in milliseconds: forms are small. */
const requestDeadline = 15_000;
/** How long requests under way may take once the portal is to end, in milliseconds. */
const endDeadline = 5_000;
/** Connections at once; what comes beyond is closed. */
const mostConnections = 1_000;

/**
 * Answers requests until the signal is aborted and those under way are answered.
 *
 * @param address.host a name or address; an IPv6 address in brackets
 * @throws SetupError `cannot-listen`
 */
export async function serve(
  handler: RequestListener,
  address: { host: string; port: number },
  { signal, onListening }: { signal: AbortSignal; onListening: () => void },
): Promise<void> {
  const server = createServer({ headersTimeout: requestDeadline, requestTimeout: requestDeadline }, handler);
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(errors.cannotListen(`${address.host}:${String(address.port)}`, messageOf(error), error));
    });
    server.listen({ host: address.host.replace(/^\[|\]$/gu, ''), port: address.port }, resolve);
  });
  onListening();
  await new Promise<void>((resolve) => {
    const end = (): void => {
      server.close(() => resolve());
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), endDeadline).unref();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
