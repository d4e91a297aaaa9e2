import { once } from 'node:events';
import { createServer, request as startRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands in front of a server of both eras and refuses the modern one, as servers of the SDK's v1 do; all else passes as it comes. */
export class LegacyFront {
  /** Its origin, for `MCP_SERVER_URL`: requests keep their Host header. */
  readonly url: string;
  /** Where requests go: an origin. */
  target: string | undefined;
  /** The sessions that requests were sent in. */
  readonly sessions = new Set<string>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      const { method, url = '/', headers } = request;
      if (headers['mcp-protocol-version'] === '2026-07-28') {
        const error = { code: -32_000, message: 'Bad Request: Unsupported protocol version' };
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ jsonrpc: '2.0', error, id: null }));
        return;
      }
      const session = headers['mcp-session-id'];
      if (typeof session === 'string') this.sessions.add(session);
      const outgoing = startRequest(new URL(url, this.target), { method, headers });
      outgoing.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
      });
      outgoing.on('error', (error) => response.destroy(error));
      response.on('close', () => outgoing.destroy());
      request.pipe(outgoing);
    });
  }

  static async start(): Promise<LegacyFront> {
    const server = createServer().listen(0, 'localhost');
    await once(server, 'listening');
    return new LegacyFront(server);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
