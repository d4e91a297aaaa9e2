import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certified } from '../../../proxy/test/support/certificates.ts';

/** What ends TLS before a server, as a reverse proxy does: the Host header is passed on. */
export class TlsFront {
  /** At localhost. */
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `https://localhost:${String((server.address() as AddressInfo).port)}`;
  }

  /** @param target where the server is, http */
  static async start({ cert, key }: Certified, target: () => string): Promise<TlsFront> {
    const server = createServer({ cert, key }, (asked, answered) => {
      const { method, headers, url = '/' } = asked;
      const passed = request(`${target()}${url}`, { method, headers }, (answer) => {
        answered.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(answered);
      });
      passed.on('error', () => answered.destroy());
      asked.pipe(passed);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TlsFront(server);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
