import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** An HTTP server that shows its connections; closed when the test ends. */
export interface WireServer {
  readonly port: number;
  /** Every connection that was accepted, in order. */
  readonly sockets: readonly Socket[];
  /** How many requests have begun to come in. */
  readonly requests: number;
  /** The connection with this number, from 0, whether it is there or is to come. */
  socket(number: number): Promise<Socket>;
  close(): Promise<void>;
}

/** @param tls with certificates it speaks TLS */
export async function wireServer(
  handle: RequestListener,
  { host = '127.0.0.1', tls }: { host?: string; tls?: ServerOptions } = {},
): Promise<WireServer> {
  const sockets: Socket[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  let requests = 0;
  const listener: RequestListener = (request, response) => {
    requests += 1;
    handle(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    // A connection that a test cuts is meant to be cut.
    socket.on('error', () => undefined);
    arrivals.emit('connection');
  });
  const { port, close } = await listening(server, host, sockets);
  return {
    port,
    sockets,
    get requests() {
      return requests;
    },
    socket: async (number) => {
      for (;;) {
        const found = sockets[number];
        if (found !== undefined) return found;
        await once(arrivals, 'connection');
      }
    },
    close,
  };
}

/** Makes a server listen on a free port until the test ends, when what is connected is cut. */
export async function listening(
  server: Server,
  host: string,
  sockets: readonly Socket[],
  port = 0,
): Promise<{ port: number; close: () => Promise<void> }> {
  server.listen(port, host);
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  onTestFinished(close);
  return { port: (server.address() as AddressInfo).port, close };
}
