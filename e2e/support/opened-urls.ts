import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A `$BROWSER` that shows nothing: each URL that it is started with arrives here, and the test decides what to do. */
export class OpenedUrls {
  /** All URLs so far, in order. */
  readonly urls: string[] = [];
  /** The program for `$BROWSER`. */
  readonly program: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'keyhole-browser-'));
  readonly #server: Server;
  #taken = 0;

  private constructor(server: Server) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.program = join(this.#folder, 'browser.mjs');
    const script = `#!${process.execPath}
await fetch('http://127.0.0.1:${port}/', { method: 'POST', body: process.argv.at(-1) });
`;
    writeFileSync(this.program, script, { mode: 0o700 });
    server.on('request', (request, response) => {
      let url = '';
      request.setEncoding('utf8').on('data', (text: string) => (url += text));
      request.on('end', () => {
        this.urls.push(url);
        server.emit('opened');
        response.end();
      });
    });
  }

  static async start(): Promise<OpenedUrls> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OpenedUrls(server);
  }

  get count(): number {
    return this.urls.length;
  }

  /**
   * The next URL that nobody took yet.
   *
   * @throws Error when none is opened within `timeout` milliseconds
   */
  async next(timeout = 20_000): Promise<string> {
    const deadline = AbortSignal.timeout(timeout);
    while (this.urls[this.#taken] === undefined) {
      await once(this.#server, 'opened', { signal: deadline }).catch(() => {
        throw new Error(`No browser was opened within ${timeout} ms.`);
      });
    }
    return this.urls[this.#taken++] ?? '';
  }

  /** @throws Error when a URL was opened that the test did not ask for with {@link next} */
  async close(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.#folder, { recursive: true, force: true });
    const surplus = this.urls.length - this.#taken;
    if (surplus > 0) throw new Error(`A browser was opened ${surplus} times more than the test expects.`);
  }
}
