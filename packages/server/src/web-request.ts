import type { IncomingMessage } from 'node:http';

/** A web-standard request whose client may go. */
export type WebRequest = Request & {
  /** Ends `signal`: the client has gone. */
  readonly abort: () => void;
  /** A header by its name in lower case, for which `headers` need not be made. */
  readonly header: (name: string) => string | undefined;
};

/**
 * A request of Node's, without its body, as a web-standard one. What handlers look at is made when they do so, and the real
 * thing only when they want more: to make one for each request costs as much as the authentication. To the constructor of
 * Request, which looks inside, a `clone()` has to be given.
 */
export function webRequest(request: IncomingMessage): WebRequest {
  // It has what is foreseen in the class, and all else from the loop below.
  return new ForwardedRequest(request) as unknown as WebRequest;
}

class ForwardedRequest {
  readonly method: string;
  readonly #request: IncomingMessage;
  #headers: Headers | undefined;
  #gone: AbortController | undefined;
  #isGone = false;
  #real: Request | undefined;

  constructor(request: IncomingMessage) {
    this.method = request.method ?? 'GET';
    this.#request = request;
  }

  get url(): string {
    const { headers, url = '/' } = this.#request;
    return `http://${headers.host ?? 'localhost'}${url}`;
  }

  get headers(): Headers {
    this.#headers ??= headersOf(this.#request);
    return this.#headers;
  }

  get signal(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.#isGone) this.#gone.abort();
    return this.#gone.signal;
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  abort(): void {
    this.#isGone = true;
    this.#gone?.abort();
  }

  real(): Request {
    const { method, url, headers, signal } = this;
    this.#real ??= new Request(url, { method, headers, signal });
    return this.#real;
  }
}

const descriptors = Object.getOwnPropertyDescriptors(Request.prototype);
for (const name of Object.keys(descriptors) as (keyof Request)[]) {
  if (name === 'method' || name in ForwardedRequest.prototype) continue;
  Object.defineProperty(ForwardedRequest.prototype, name, {
    get(this: ForwardedRequest): unknown {
      const real = this.real();
      const value: unknown = real[name];
      return typeof value === 'function' ? value.bind(real) : value;
    },
  });
}
Object.setPrototypeOf(ForwardedRequest.prototype, Request.prototype);

function headersOf({ headers }: IncomingMessage): Headers {
  const list: [string, string][] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === 'string') list.push([name, value]);
    else for (const one of value ?? []) list.push([name, one]);
  }
  return new Headers(list);
}
