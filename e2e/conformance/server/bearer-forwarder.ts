import { once } from 'node:events';
import { createServer, request as startRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/** A loopback address at which a server answers as if each request carried a token. */
export interface BearerForwarder {
  readonly origin: string;
  close(): Promise<void>;
}

/**
 * Adds `Authorization` to each request, and changes nothing else: headers go on as they were written, `Host` among them, and
 * bodies and streams byte by byte as they come. Who hangs up on one side hangs up on the other.
 *
 * @param port where the server listens, on 127.0.0.1
 */
export async function forwardWithToken(port: number, token: string): Promise<BearerForwarder> {
  const server = createServer((incoming, response) => forward(incoming, response, port, token));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function forward(incoming: IncomingMessage, response: ServerResponse, port: number, token: string): void {
  const { method, url: path } = incoming;
  const headers = [...incoming.rawHeaders, 'Authorization', `Bearer ${token}`];
  const outgoing = startRequest({ host: '127.0.0.1', port, method, path, headers });
  const hangUp = (): void => {
    outgoing.destroy();
    response.destroy();
  };
  response.once('close', () => outgoing.destroy());
  outgoing.once('error', hangUp);
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.statusMessage, answer.rawHeaders);
    // An event stream's head comes long before its first event.
    response.flushHeaders();
    pipeline(answer, response, () => undefined);
  });
  pipeline(incoming, outgoing, () => undefined);
}
