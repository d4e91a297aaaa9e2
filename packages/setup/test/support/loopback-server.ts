import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a test's server answers: a body that is an object goes out as JSON; `silence` never answers. */
export interface CannedAnswer {
  status: number;
  body?: object | string;
  type?: string;
  headers?: Record<string, string>;
}

export interface LoopbackServer {
  readonly url: string;
  /** What was asked for, `METHOD /path`, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Starts an HTTP server on a free loopback port that answers as `answer` says. */
export async function startLoopbackServer(
  answer: (
    request: IncomingMessage & { path: string },
  ) => CannedAnswer | 'silence' | Promise<CannedAnswer | 'silence'>,
): Promise<LoopbackServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    requests.push(`${request.method ?? ''} ${path}`);
    void Promise.resolve(answer(Object.assign(request, { path }))).then((canned) => send(response, canned));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, canned: CannedAnswer | 'silence'): void {
  if (canned === 'silence') return;
  const json = typeof canned.body === 'object';
  response.writeHead(canned.status, {
    ...canned.headers,
    'content-type': canned.type ?? (json ? 'application/json' : 'text/html'),
  });
  response.end(json ? JSON.stringify(canned.body) : canned.body);
}

/** Starts a server that passes everything on to another one, but for the requests that `interfere` answers. */
export function startInterference(
  target: string,
  interfere: (request: string) => CannedAnswer | 'silence' | undefined,
): Promise<LoopbackServer> {
  return startLoopbackServer(async (request) => {
    const interference = interfere(`${request.method ?? ''} ${request.path}`);
    if (interference !== undefined) return interference;
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const answer = await fetch(`${target}${request.url ?? '/'}`, {
      method: request.method ?? 'GET',
      headers: {
        'content-type': request.headers['content-type'] ?? 'application/json',
        ...(request.headers.authorization === undefined
          ? {}
          : { authorization: request.headers.authorization }),
      },
      ...(body.length === 0 ? {} : { body: Buffer.concat(body) }),
    });
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? 'text/plain',
      body: await answer.text(),
    };
  });
}
