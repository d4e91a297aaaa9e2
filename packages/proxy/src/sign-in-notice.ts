import type { Log } from '@mcp-keyhole/cli-kit';
import { Listeners } from './listeners.ts';

/** Where the user has to sign in, while a sign-in waits for him: shown on stderr, and to whoever wants to know. */
export class SignInNotice {
  /** Told of each change: the address, or undefined when nobody is waited for any more. */
  readonly changes = new Listeners<URL | undefined>();
  readonly #server: URL;
  readonly #log: Log;
  #url: URL | undefined;

  constructor(server: URL, log: Log) {
    this.#server = server;
    this.#log = log;
  }

  get url(): URL | undefined {
    return this.#url;
  }

  /** @param url where the user signs in; it holds the request's state, and no secret that is worth anything alone */
  show(url: URL): void {
    this.#log.notice(`sign in to ${this.#server.href} here: ${url.href}`);
    this.#url = url;
    this.changes.emit(url);
  }

  /** The sign-in is over, however it ended. */
  clear(): void {
    if (this.#url === undefined) return;
    this.#url = undefined;
    this.changes.emit(undefined);
  }
}
