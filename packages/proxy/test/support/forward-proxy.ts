import { createServer, request as requestOf, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { listening } from './wire-server.ts';

/** A forward proxy on this machine; closed when the test ends. */
export interface ForwardProxy {
  readonly url: string;
  /** What it was asked for: the method and the target. */
  readonly asked: readonly string[];
  /** The names in the certificates that were shown to it. */
  readonly shown: readonly string[];
  close(): Promise<void>;
}

/**
 * A forward proxy (RFC 9110, sections 7.6 and 9.3.6) to whom every name is this machine: tunnels (CONNECT) and forwards.
 *
 * @param answersConnect a status other than 200 refuses tunnels
 * @param tls with certificates it is itself reached over TLS
 */
export async function forwardProxy({
  host = '127.0.0.1',
  answersConnect = 200,
  tls,
}: { host?: string; answersConnect?: number | 'never'; tls?: ServerOptions } = {}): Promise<ForwardProxy> {
  const asked: string[] = [];
  const shown: string[] = [];
  const sockets: Socket[] = [];
  const forward: RequestListener = (incoming, response) => {
    asked.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    const { port, pathname, search } = new URL(incoming.url ?? '');
    const { method = 'GET', headers } = incoming;
    const onward = requestOf({ host: '127.0.0.1', port, path: pathname + search, method, headers });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  };
  const server = tls === undefined ? createServer(forward) : createTlsServer(tls, forward);
  server.on('secureConnection', (socket: TLSSocket) => {
    const { subject } = socket.getPeerCertificate() as { subject?: { CN: string } };
    if (subject !== undefined) shown.push(subject.CN);
  });
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  server.on('connect', (request, client, head) => {
    asked.push(`CONNECT ${request.url ?? ''}`);
    if (answersConnect === 'never') return;
    if (answersConnect !== 200) {
      client.end(`HTTP/1.1 ${answersConnect} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const port = Number(new URL(`http://${request.url ?? ''}`).port);
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      client.pipe(target).pipe(client);
    });
    sockets.push(target);
    let isThere = false;
    target.once('connect', () => (isThere = true));
    target.on('error', () => undefined);
    target.on('close', () => {
      if (isThere) client.destroy();
      else client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
    });
    client.on('close', () => target.destroy());
  });
  const { port, close } = await listening(server, host, sockets);
  const scheme = tls === undefined ? 'http' : 'https';
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, asked, shown, close };
}
