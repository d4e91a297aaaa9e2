import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';

/** Servers that listen on one port. */
export interface Listener {
  readonly port: number;
  /** Ends at once: open connections are closed, and requests under way with them. */
  close(): Promise<void>;
}

/**
 * Listens on `host`. For 127.0.0.1 and localhost also on ::1 where the machine has it, since `localhost` may resolve to
 * either.
 *
 * @param port 0 takes any free one
 * @throws EmulatorError `port-in-use`, `cannot-listen`
 */
export async function listen(handler: RequestListener, host: string, port: number): Promise<Listener> {
  const both = host === '127.0.0.1' || host === 'localhost';
  const first = await open(handler, both ? '127.0.0.1' : host.replace(/^\[|\]$/gu, ''), port);
  const taken = (first.address() as AddressInfo).port;
  const servers = [first];
  if (both) {
    try {
      servers.push(await open(handler, '::1', taken));
    } catch (error) {
      if (errorCode(error) === 'EADDRINUSE') {
        await closeAll(servers);
        // By chance the port is free on one of the two only; another try finds another port.
        if (port === 0) return listen(handler, host, port);
        throw errors.portInUse(port);
      }
      // EADDRNOTAVAIL, EAFNOSUPPORT: this machine has no IPv6, and then localhost is 127.0.0.1.
    }
  }
  return { port: taken, close: () => closeAll(servers) };
}

function open(handler: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer(handler);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: true }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

/** What a failure to listen means to the user. */
export function listenFailure(error: unknown, host: string, port: number): unknown {
  const code = errorCode(error);
  if (code === 'EADDRINUSE') return errors.portInUse(port);
  return code === undefined ? error : errors.cannotListen(host, port, messageOf(error), error);
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => {
            resolve();
          });
          server.closeAllConnections();
        }),
    ),
  );
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
