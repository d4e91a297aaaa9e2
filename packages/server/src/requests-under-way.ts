import type { IncomingMessage, ServerResponse } from 'node:http';

/** The requests that are being answered and will be by themselves. */
export class RequestsUnderWay {
  readonly #responses = new Set<ServerResponse>();
  readonly #waiting = new Set<() => void>();

  readonly track = (request: IncomingMessage, response: ServerResponse): void => {
    // A subscription has no end of its own, nor need the stream of a session have one; the server ends them.
    if (request.headers['mcp-method'] === 'subscriptions/listen' || isStreamOfSession(request)) return;
    this.#responses.add(response);
    response.once('close', () => {
      this.#responses.delete(response);
      if (this.#responses.size === 0) for (const resolve of this.#waiting) resolve();
    });
  };

  get count(): number {
    return this.#responses.size;
  }

  /** Waits until there is none, or until the time is over. @param deadline milliseconds */
  async ended(deadline: number): Promise<void> {
    if (this.#responses.size === 0) return;
    const { promise, resolve } = promiseWithResolve();
    const timer = setTimeout(resolve, deadline);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    clearTimeout(timer);
  }
}

function promiseWithResolve(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

function isStreamOfSession({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers['mcp-session-id'] !== undefined;
}
