import { once } from 'node:events';
import { createServer, request as startRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** One request to the authorization server and its answer, bodies as text. */
export interface Exchange {
  readonly method: string;
  readonly url: URL;
  readonly requestBody: string;
  readonly status: number;
  readonly location: string | undefined;
  readonly cookies: readonly string[];
  readonly responseBody: string;
}

/**
 * Stands in front of the authorization server and keeps what passes, so that a test knows every secret that was issued.
 * The Host header stays as it was: the authorization server speaks of itself by the forwarder's address.
 */
export class RecordingForwarder {
  readonly exchanges: Exchange[] = [];
  readonly url: string;
  /** Where requests go: an origin. */
  target: string | undefined;
  readonly #server: Server;
  #swallow: { readonly path: string; readonly arrived: () => void } | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://localhost:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      if (new URL(request.url ?? '', this.url).pathname === this.#swallow?.path) {
        this.#swallow.arrived();
        this.#swallow = undefined;
        return;
      }
      this.#forward(request).then(
        ({ answer, body }) => response.writeHead(answer.statusCode ?? 502, answer.headers).end(body),
        (error: unknown) => response.writeHead(502).end(String(error)),
      );
    });
  }

  static async start(): Promise<RecordingForwarder> {
    const server = createServer().listen(0, 'localhost');
    await once(server, 'listening');
    return new RecordingForwarder(server);
  }

  /** Swallows the next request to this path: it is neither forwarded nor answered. Resolves when it has come. */
  swallowNext(path: string): Promise<void> {
    return new Promise((resolve) => {
      this.#swallow = { path, arrived: resolve };
    });
  }

  async #forward(request: IncomingMessage): Promise<{ answer: IncomingMessage; body: string }> {
    const { method = 'GET', url: path = '/', headers } = request;
    const requestBody = await text(request);
    const outgoing = startRequest(new URL(path, this.target), { method, headers }).end(requestBody);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const body = await text(answer);
    this.exchanges.push({
      method,
      url: new URL(path, this.url),
      requestBody,
      status: answer.statusCode ?? 0,
      location: answer.headers.location,
      cookies: answer.headers['set-cookie'] ?? [],
      responseBody: body,
    });
    return { answer, body };
  }

  /** The token requests of one grant type that were answered with a token. */
  granted(grantType: 'authorization_code' | 'refresh_token'): readonly Exchange[] {
    return this.exchanges.filter(
      ({ url, status, requestBody }) =>
        url.pathname === '/oauth2/token' &&
        status === 200 &&
        new URLSearchParams(requestBody).get('grant_type') === grantType,
    );
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
