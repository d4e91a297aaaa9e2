// Everything that can go wrong between the proxy and a server, by name.
import { refuseSession, sendJson, type Fault, type FaultyExchange } from './fault-server.ts';

/** How long a server is away that comes back, in milliseconds. */
const awayFor = 1_000;
const page = '<!doctype html><title>Error</title><h1>Something went wrong</h1>';

function status(code: number, headers: Record<string, string> = {}, body = ''): Fault {
  return { respond: ({ response }) => void response.writeHead(code, headers).end(body) };
}

/** A complete response that is no answer. */
function odd(type: string | undefined, body: (json: string) => string | Buffer): Fault {
  const headers = type === undefined ? {} : { 'content-type': type };
  return {
    respond: ({ response, carryOut }) => void response.writeHead(200, headers).end(body(carryOut())),
  };
}

/** Carries the request out and cuts the connection after what `write` has sent. */
function cutAfter(write: (exchange: FaultyExchange, json: string) => string): Fault {
  return {
    respond: (exchange) => {
      const { socket } = exchange.response;
      const beginning = write(exchange, exchange.carryOut());
      if (beginning === '') socket?.destroy();
      else socket?.write(beginning, () => socket.destroy());
    },
  };
}

const json = 'application/json';
const isoDate = (milliseconds: number): string => new Date(Date.now() + milliseconds).toUTCString();

export const faults = {
  // Connections
  'connection reset before the request is read': {
    respond: ({ response }) => response.socket?.resetAndDestroy(),
  },
  'connection cut before the answer': {
    ...cutAfter(() => ''),
    interrupt: ({ carryOut }, stream) => {
      stream.cut();
      stream.finish(carryOut());
    },
  },
  'connection cut in the head of the answer': cutAfter(() => 'HTTP/1.1 200 OK\r\nContent-Ty'),
  'connection cut in the body of the answer': cutAfter(
    (_exchange, body) =>
      `HTTP/1.1 200 OK\r\nContent-Type: ${json}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 20)}`,
  ),
  'connection that has gone dead': {
    respond: ({ carryOut }) => void carryOut(),
    interrupt: ({ carryOut }, stream) => {
      stream.fallSilent();
      stream.finish(carryOut());
    },
  },
  'stream that ends before the answer': {
    respond: ({ server, response, carryOut }) => {
      const answer = carryOut();
      const stream = server.streams.open(response, server.era === 'legacy');
      stream.prime();
      stream.end();
      stream.finish(answer);
    },
    interrupt: ({ carryOut }, stream) => {
      stream.end();
      stream.finish(carryOut());
    },
  },
  'server restarting': {
    respond: ({ server }) => {
      server.forget();
      void server.vanish(awayFor);
    },
    interrupt: ({ server, carryOut }, stream) => {
      stream.cut(() => {
        server.forget();
        void server.vanish(awayFor);
      });
      stream.finish(carryOut());
    },
  },
  'network away for a second': {
    respond: ({ server, carryOut }) => {
      carryOut();
      void server.vanish(awayFor);
    },
    interrupt: ({ server, carryOut }, stream) => {
      stream.cut(() => void server.vanish(awayFor));
      stream.finish(carryOut());
    },
  },

  // Statuses
  'status 500': status(500),
  'status 500 with a page': status(500, { 'content-type': 'text/html' }, page),
  'status 502': status(502, { 'content-type': 'text/html' }, page),
  'status 504': status(504),
  'status 429 for a second': status(429, { 'retry-after': '1' }),
  'status 503 until a date': {
    respond: ({ response }) => void response.writeHead(503, { 'retry-after': isoDate(1_500) }).end(),
  },
  'status 503 for an hour': status(503, { 'retry-after': '3600' }),
  'session lost, said by 404': {
    respond: ({ server, response }) => {
      server.forget();
      refuseSession(response, 404);
    },
  },
  'session lost, said by 400': {
    respond: ({ server, response }) => {
      server.forget();
      refuseSession(response, 400);
    },
  },
  'moved within the server': status(307, { location: '/mcp?moved' }),
  'moved to another server': status(307, { location: 'http://127.0.0.1:1/mcp' }),

  // Answers
  'page in place of the answer': odd('text/html', () => page),
  'empty body': odd(json, () => ''),
  'answer without a content type': odd(undefined, (answer) => answer),
  'answer with a wrong content type': odd('text/plain', (answer) => answer),
  'truncated JSON': odd(json, (answer) => answer.slice(0, -5)),
  'invalid UTF-8': odd(json, (answer) =>
    Buffer.concat([Buffer.from(answer.slice(0, -2)), Buffer.of(0xff), Buffer.from('}}')]),
  ),
  'JSON that is no JSON-RPC': odd(json, () => '{"hello":"world"}'),
  'answer to another request': odd(json, (answer) => answer.replace(/"id":(?:"[^"]*"|\d+)/u, '"id":"other"')),
  'answer sent twice': {
    respond: ({ server, response, carryOut }) => {
      const answer = carryOut();
      const stream = server.streams.open(response, false);
      stream.sendText(answer);
      stream.finish(answer);
    },
    interrupt: ({ carryOut }, stream) => {
      const answer = carryOut();
      stream.sendText(answer);
      stream.finish(answer);
    },
  },
  'answers to others before it': {
    respond: ({ server, response, carryOut }) => {
      const answer = carryOut();
      const stream = server.streams.open(response, false);
      for (const id of ['other', 4_711, null]) stream.send({ id, result: {} });
      stream.finish(answer);
    },
    interrupt: ({ carryOut }, stream) => {
      for (const id of ['other', 4_711, null]) stream.send({ id, result: {} });
      stream.finish(carryOut());
    },
  },
  'event that is no JSON': {
    respond: ({ server, response }) => {
      server.streams.open(response, false).finish('{"jsonrpc":"2.0",');
    },
    interrupt: (_exchange, stream) => {
      stream.finish('{"jsonrpc":"2.0",');
    },
  },
  'ten thousand comments before it': {
    respond: ({ server, response, carryOut }) => {
      const answer = carryOut();
      const stream = server.streams.open(response, false);
      for (let count = 0; count < 10_000; count += 1) stream.sendComment('still there');
      stream.finish(answer);
    },
    interrupt: ({ carryOut }, stream) => {
      for (let count = 0; count < 10_000; count += 1) stream.sendComment('still there');
      stream.finish(carryOut());
    },
  },
  'answer byte by byte': {
    respond: ({ response, carryOut }) => {
      const bytes = Buffer.from(carryOut());
      response.writeHead(200, { 'content-type': json, 'content-length': bytes.length });
      response.socket?.setNoDelay();
      let at = 0;
      const next = (): void => {
        if (at === bytes.length) response.end();
        else response.write(bytes.subarray(at, ++at), () => setImmediate(next));
      };
      next();
    },
  },
  'answer after a second': {
    respond: ({ response, carryOut }) => {
      setTimeout(() => {
        sendJson(response, carryOut());
      }, 1_000);
    },
    interrupt: ({ carryOut }, stream) => {
      setTimeout(() => {
        stream.finish(carryOut());
      }, 1_000);
    },
  },
  'answer of 50 MB': {
    respond: ({ response, carryOut }) => {
      sendJson(response, padded(carryOut()));
    },
    interrupt: ({ carryOut }, stream) => {
      stream.finish(padded(carryOut()));
    },
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** The answer with 50 MB of what nobody knows in its result. */
function padded(answer: string): string {
  return answer.replace('"result":{', () => `"result":{"padding":"${'x'.repeat(50 << 20)}",`);
}
