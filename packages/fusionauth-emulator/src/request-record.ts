import type { RequestHandler } from 'express';

/** One request that was answered. No headers, bodies or query values: they hold secrets. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** The names of its query parameters. */
  readonly query: readonly string[];
  readonly status: number;
}

/** Keeps the latest requests, at most `limit`. */
export class RequestRecord {
  readonly requests: RecordedRequest[] = [];
  readonly #limit: number;

  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  readonly handler: RequestHandler = (request, response, next) => {
    const url = new URL(request.originalUrl, 'http://localhost');
    response.once('finish', () => {
      this.requests.push({
        method: request.method,
        path: url.pathname,
        query: [...new Set(url.searchParams.keys())],
        status: response.statusCode,
      });
      if (this.requests.length > this.#limit) this.requests.shift();
    });
    next();
  };
}
