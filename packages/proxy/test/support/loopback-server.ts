import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A request as it arrived, its body read whole. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Handler = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>;

/** An HTTP server on 127.0.0.1 that keeps what it received; closed when the test ends. */
export interface LoopbackServer {
  /** Origin without a trailing slash. */
  readonly url: string;
  readonly port: number;
  readonly requests: ReceivedRequest[];
  /** The first request that fits, whether it has come or is to come. */
  when(fits: (request: ReceivedRequest) => boolean): Promise<ReceivedRequest>;
  close(): Promise<void>;
}

export async function loopbackServer(handle: Handler): Promise<LoopbackServer> {
  const requests: ReceivedRequest[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  const server = createServer((incoming, response) => {
    void readBody(incoming).then(async (body) => {
      const request = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        body,
      };
      requests.push(request);
      arrivals.emit('request');
      await handle(request, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  onTestFinished(close);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    close,
    when: async (fits) => {
      for (;;) {
        const found = requests.find(fits);
        if (found !== undefined) return found;
        await once(arrivals, 'request');
      }
    },
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export function sendJson(
  response: ServerResponse,
  status: number,
  content: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(content));
}

export function sendHtml(response: ServerResponse, status: number): void {
  response
    .writeHead(status, { 'content-type': 'text/html' })
    .end('<!doctype html><title>A page</title>Sign in first');
}

/** A loopback server with JSON at fixed paths, and 404 elsewhere; `undefined` content is 404 too. */
export async function documentServer(
  documents: (origin: string) => Readonly<Record<string, unknown>>,
): Promise<LoopbackServer> {
  const server = await loopbackServer(({ path }, response) => {
    const content = documents(server.url)[path];
    if (content === undefined) sendJson(response, 404, { error: 'not found' });
    else sendJson(response, 200, content);
  });
  return server;
}

/**
 * A port that is free on 127.0.0.1 and ::1. Below the range from which systems give out ports on their own, so that
 * nothing takes it before the test does.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) return port;
  }
}

/** Whether a program could listen there now. */
export async function isFree(port: number, host: string): Promise<boolean> {
  const server = createTcpServer().listen({ port, host, exclusive: true });
  const free = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  if (free) await once(server.close(), 'close');
  return free;
}
