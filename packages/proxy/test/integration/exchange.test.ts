import { getEventListeners, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { chunksOf, discard, wholeBody } from '../../src/http/body.ts';
import type { HttpResponse } from '../../src/http/exchange.ts';
import { ConnectionLost, NotSent } from '../../src/http/failures.ts';
import { failureOf } from '../support/failure.ts';
import { freePort } from '../support/loopback-server.ts';
import { direct, requestTo, textOf, ways } from '../support/ways.ts';
import { listening, wireServer, type WireServer } from '../support/wire-server.ts';

const megabyte = 1 << 20;
const ok = (request: IncomingMessage, response: ServerResponse): void => {
  request.resume().on('end', () => response.end('ok'));
};
/** Writes as raw text what begins like an answer, and cuts the connection when it is out. */
const cutAfter =
  (text: string) =>
  (request: IncomingMessage, { socket }: ServerResponse): void => {
    request.resume().on('end', () => socket?.end(text));
  };

describe.each(ways)('an exchange $name', ({ name, host, open }) => {
  const urlOf = ({ port }: Pick<WireServer, 'port'>): string => `http://${host}:${port}/mcp`;

  it('carries method, path, headers and body, and the answer back', async () => {
    let received: unknown;
    const server = await wireServer((request, response) => {
      const { method, url, headers } = request;
      void wholeBody({ status: 0, headers, body: request }).then((body) => {
        received = [method, url, headers['x-key'], headers['content-length'], body.toString()];
        response.writeHead(418, { 'x-answer': 'yes' }).end('Grüße');
      });
    });
    const exchange = await open();
    const body = Buffer.from('{"a":"ü"}');
    const response = await exchange(requestTo(`${urlOf(server)}?q=1`, { headers: { 'x-key': 'k' }, body }));
    expect([response.status, response.headers['x-answer'], await textOf(response)]).toEqual([
      418,
      'yes',
      'Grüße',
    ]);
    expect(received).toEqual(['POST', '/mcp?q=1', 'k', '10', '{"a":"ü"}']);
  });

  it('asks for bodies as they are, since nothing here unpacks them', async () => {
    let asked: unknown = 'nothing came';
    const server = await wireServer((request, response) => {
      asked = request.headers['accept-encoding'];
      ok(request, response);
    });
    expect(await textOf(await (await open())(requestTo(urlOf(server))))).toBe('ok');
    expect(asked).toBeUndefined();
  });

  describe('that takes too long ends with a word for it', () => {
    it('before there is a connection: nothing was sent', async () => {
      // It accepts, and never answers the beginning of TLS.
      const silent = createServer((socket) => socket.resume().on('error', () => undefined));
      const { port } = await listening(silent, '127.0.0.1', []);
      const exchange = await open({ connectTimeout: 200 });
      const failure = await failureOf(() => exchange(requestTo(`https://${host}:${port}/mcp`)));
      expect(failure).toBeInstanceOf(NotSent);
      expect(failure.message).toBe('connecting took longer than 0.2 seconds');
    });

    it('before the answer begins: what became of the request is unknown', async () => {
      const server = await wireServer((request) => request.resume());
      const exchange = await open({ headersTimeout: 200 });
      const failure = await failureOf(() => exchange(requestTo(urlOf(server))));
      expect(failure).toBeInstanceOf(ConnectionLost);
      expect(failure.message).toBe('no answer began within 0.2 seconds');
      expect(server.requests).toBe(1);
    });

    it('in the middle of the answer', async () => {
      const server = await wireServer((request, response) => {
        request.resume();
        response.write('the beginning');
      });
      const response = await (await open({ bodyTimeout: 200 }))(requestTo(urlOf(server)));
      const pieces: string[] = [];
      const failure = await failureOf(async () => {
        for await (const chunk of chunksOf(response)) pieces.push(chunk.toString());
      });
      expect(failure).toBeInstanceOf(ConnectionLost);
      expect(failure.message).toMatch(/^the answer paused for 0.2 seconds$|^Body Timeout/u);
      expect(pieces).toEqual(['the beginning']);
    });

    it('but not when only the reader takes his time', async () => {
      const server = await wireServer(ok);
      const response = await (await open({ bodyTimeout: 100 }))(requestTo(urlOf(server)));
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await textOf(response)).toBe('ok');
    });

    it('but not where each part comes in time', async () => {
      const server = await wireServer((request, response) => {
        request.resume();
        let left = 4;
        const timer = setInterval(() => {
          response.write('.');
          left -= 1;
          if (left > 0) return;
          clearInterval(timer);
          response.end();
        }, 150);
      });
      const exchange = await open({ connectTimeout: 400, headersTimeout: 400, bodyTimeout: 400 });
      expect(await textOf(await exchange(requestTo(urlOf(server))))).toBe('....');
    });
  });

  describe('that is cut', () => {
    it.each([
      ['without an answer', ''],
      ['in the status line', 'HTTP/1.1 20'],
      ['in the headers', 'HTTP/1.1 200 OK\r\ncontent-type: text/pl'],
    ])('%s has an unknown outcome', async (_where, text) => {
      const server = await wireServer(cutAfter(text));
      const exchange = await open();
      expect(await failureOf(() => exchange(requestTo(urlOf(server))))).toBeInstanceOf(ConnectionLost);
      expect(server.requests).toBe(1);
    });

    it('by an answer that is not HTTP has an unknown outcome too', async () => {
      const server = await wireServer(cutAfter('SSH-2.0-OpenSSH_9.2\r\n'));
      const exchange = await open();
      expect(await failureOf(() => exchange(requestTo(urlOf(server))))).toBeInstanceOf(ConnectionLost);
    });

    it.each([
      ['a body of known length', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234'],
      ['a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n01234'],
      ['between chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n'],
    ])('in %s fails for whoever reads it, in pieces or whole', async (_where, text) => {
      const server = await wireServer(cutAfter(text));
      const exchange = await open();
      const pieces: string[] = [];
      const inPieces = await exchange(requestTo(urlOf(server)));
      const failure = await failureOf(async () => {
        for await (const chunk of chunksOf(inPieces)) pieces.push(chunk.toString());
      });
      expect(failure).toBeInstanceOf(ConnectionLost);
      expect(pieces.join('')).toBe('01234');
      const whole = await exchange(requestTo(urlOf(server)));
      expect(await failureOf(() => wholeBody(whole))).toBeInstanceOf(ConnectionLost);
    });

    it('before anybody reads the body fails for who reads it then', async () => {
      const server = await wireServer(cutAfter('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234'));
      const exchange = await open();
      for (const read of [wholeBody, textOf]) {
        const response = await exchange(requestTo(urlOf(server)));
        await closeOf(response.body);
        expect(await failureOf(() => read(response))).toBeInstanceOf(Error);
      }
    });

    it('while the first cookie is being looked at fails for who reads it then', async () => {
      const head = 'HTTP/1.1 200 OK\r\nset-cookie: node=a\r\ncontent-length: 10\r\n\r\n';
      const server = await wireServer(cutAfter(`${head}01234`));
      const exchange = await open();
      const response = await exchange(requestTo(urlOf(server)));
      expect(await failureOf(() => wholeBody(response))).toBeInstanceOf(ConnectionLost);
    });
  });

  it('that reaches nobody was not sent', async () => {
    const port = await freePort();
    const exchange = await open();
    const failure = await failureOf(() => exchange(requestTo(`http://${host}:${port}/mcp`)));
    expect(failure).toBeInstanceOf(NotSent);
    expect(failure.message).toMatch(/ECONNREFUSED|\(502\)/u);
  });

  describe('on connections that are kept', () => {
    it('uses one for requests in turn, and as many as are needed at once', async () => {
      const server = await wireServer(ok);
      const exchange = await open();
      for (let count = 0; count < 10; count += 1) await textOf(await exchange(requestTo(urlOf(server))));
      // Undici takes a second one when it is asked before it counts the first request as done.
      const surplus = name === direct.name ? 0 : 1;
      expect(server.sockets.length).toBeLessThanOrEqual(1 + surplus);
      const responses = await Promise.all([1, 2, 3].map(() => exchange(requestTo(urlOf(server)))));
      await Promise.all(responses.map(textOf));
      await textOf(await exchange(requestTo(urlOf(server))));
      expect(server.sockets.length).toBeGreaterThanOrEqual(3);
      expect(server.sockets.length).toBeLessThanOrEqual(3 + surplus);
      expect(server.requests).toBe(14);
    });

    it('uses one again after a body that nobody wanted', async () => {
      const server = await wireServer((request, response) => {
        request.resume().on('end', () => response.end(Buffer.alloc(megabyte)));
      });
      const exchange = await open();
      const unwanted = await exchange(requestTo(urlOf(server)));
      discard(unwanted);
      await closeOf(unwanted.body);
      await textOf(await exchange(requestTo(urlOf(server))));
      expect(server.sockets).toHaveLength(1);
    });

    it('opens another one after the server has closed the one that was idle', async () => {
      const server = await wireServer(ok);
      const exchange = await open();
      await textOf(await exchange(requestTo(urlOf(server))));
      const idle = await server.socket(0);
      // Closed when the other end has closed it as well, and so knows.
      await once(idle.end(), 'close');
      expect(await textOf(await exchange(requestTo(urlOf(server))))).toBe('ok');
      expect([server.sockets.length, server.requests]).toEqual([2, 2]);
    });

    it('loses no request and sends none twice when the server closes one at that moment', async () => {
      const server = await wireServer(ok);
      const exchange = await open();
      await textOf(await exchange(requestTo(urlOf(server))));
      (await server.socket(0)).destroy();
      const outcome = await exchange(requestTo(urlOf(server))).then(textOf, (error: unknown) => error);
      if (outcome !== 'ok') expect(outcome).toBeInstanceOf(ConnectionLost);
      expect(server.requests).toBe(outcome === 'ok' ? 2 : 1);
    });

    it('sends a request once that the server got on one, and did not answer', async () => {
      const server = await wireServer((request, response) => {
        if (server.requests === 1) ok(request, response);
        else cutAfter('')(request, response);
      });
      const exchange = await open();
      await textOf(await exchange(requestTo(urlOf(server))));
      expect(await failureOf(() => exchange(requestTo(urlOf(server))))).toBeInstanceOf(ConnectionLost);
      expect(server.requests).toBe(2);
    });
  });

  describe('that is ended by its signal', () => {
    const reason = new Error('the host has gone');

    it('fails with the reason and closes the connection', async () => {
      const controller = new AbortController();
      const server = await wireServer((request) => {
        request.resume().on('end', () => {
          controller.abort(reason);
        });
      });
      const exchange = await open();
      const { signal } = controller;
      expect(await failureOf(() => exchange(requestTo(urlOf(server), { signal })))).toBe(reason);
      const socket = await server.socket(0);
      await closeOf(socket);
    });

    it('in the body fails for who reads it and closes the connection', async () => {
      const controller = new AbortController();
      const server = await wireServer((request, response) => {
        request.resume();
        response.write('the beginning');
      });
      const exchange = await open();
      const response = await exchange(requestTo(urlOf(server), { signal: controller.signal }));
      const failure = await failureOf(async () => {
        for await (const chunk of chunksOf(response)) {
          expect(chunk.toString()).toBe('the beginning');
          controller.abort(reason);
        }
      });
      expect(failure).toBeInstanceOf(ConnectionLost);
      const socket = await server.socket(0);
      await closeOf(socket);
    });

    it('leaves nothing at a signal that lives longer than it', async () => {
      const server = await wireServer((request, response) => {
        if (server.requests === 1) ok(request, response);
        else cutAfter('')(request, response);
      });
      const exchange = await open();
      const { signal } = new AbortController();
      const response = await exchange(requestTo(urlOf(server), { signal }));
      expect(getEventListeners(signal, 'abort')).not.toEqual([]);
      await textOf(response);
      await closeOf(response.body);
      await failureOf(() => exchange(requestTo(urlOf(server), { signal })));
      await expect.poll(() => getEventListeners(signal, 'abort')).toEqual([]);
    });

    it.each(['', 'ok'])('at the moment the answer is there breaks nothing: %j', async (text) => {
      const server = await wireServer((request, response) => {
        request.resume().on('end', () => response.end(text));
      });
      const exchange = await open();
      for (let count = 0; count < 10; count += 1) {
        const controller = new AbortController();
        const response = await exchange(requestTo(urlOf(server), { signal: controller.signal }));
        const reading = wholeBody(response).then(String, (error: unknown) => error);
        controller.abort(reason);
        const outcome = await reading;
        if (outcome !== text) expect(outcome).toBeInstanceOf(ConnectionLost);
        // An error that nobody listens for is thrown, and fails the run.
        await closeOf(response.body);
      }
      const { status } = await exchange(requestTo(urlOf(server)));
      expect(status).toBe(200);
    });

    it('before it begins sends nothing', async () => {
      const server = await wireServer(ok);
      const exchange = await open();
      const signal = AbortSignal.abort(reason);
      expect(await failureOf(() => exchange(requestTo(urlOf(server), { signal })))).toBe(reason);
      expect(server.requests).toBe(0);
    });

    it('before there is a connection opens none that stays', async () => {
      const controller = new AbortController();
      const silent = createServer((socket) => {
        socket.resume().on('error', () => undefined);
        controller.abort(reason);
        closed = once(socket, 'close');
      });
      let closed: Promise<unknown> | undefined;
      const { port } = await listening(silent, '127.0.0.1', []);
      // Through a proxy the tunnel, which is the proxy's, ends at the latest then.
      const exchange = await open({ connectTimeout: 1_000 });
      const { signal } = controller;
      const url = `https://${host}:${port}/mcp`;
      expect(await failureOf(() => exchange(requestTo(url, { signal })))).toBe(reason);
      await closed;
    });
  });

  describe('of 50 MB', () => {
    const size = 50 * megabyte;
    /** What may come on top: the buffers of the sockets, the pieces on their way. */
    const most = 20 * megabyte;
    const used = (): number => {
      const { external, heapUsed } = process.memoryUsage();
      return external + heapUsed;
    };

    it('is sent as fast as the server reads, without a second copy', async () => {
      const body = Buffer.alloc(size, 'a');
      let received = 0;
      let resume = (): void => undefined;
      const paused = new Promise<void>((onPaused) => {
        resume = onPaused;
      });
      let onStarted = (): void => undefined;
      const started = new Promise<void>((resolve) => (onStarted = resolve));
      const server = await wireServer((request, response) => {
        onStarted();
        void paused.then(() => {
          request.on('data', (chunk: Buffer) => (received += chunk.length));
          request.on('end', () => response.end('ok'));
        });
      });
      const exchange = await open();
      const before = used();
      const sending = exchange(requestTo(urlOf(server), { body }));
      await started;
      await quiet(() => server.sockets[0]?.bytesRead ?? 0);
      expect(server.sockets[0]?.bytesRead).toBeLessThan(most);
      expect(used() - before).toBeLessThan(most);
      resume();
      expect(await textOf(await sending)).toBe('ok');
      expect(received).toBe(size);
    });

    it('is received as fast as it is read, and not kept meanwhile', async () => {
      const piece = Buffer.alloc(64 << 10, 'b');
      let sent = 0;
      const server = await wireServer((request, response) => {
        request.resume();
        const write = (): void => {
          while (sent < size) {
            sent += piece.length;
            if (!response.write(piece)) {
              response.once('drain', write);
              return;
            }
          }
          response.end();
        };
        write();
      });
      const exchange = await open();
      const before = used();
      const response = await exchange(requestTo(urlOf(server)));
      await quiet(() => sent);
      expect(sent).toBeLessThan(most);
      expect(used() - before).toBeLessThan(most);
      let received = 0;
      for await (const chunk of chunksOf(response)) received += chunk.length;
      expect(received).toBe(size);
    });
  });
});

/** Resolves when a stream is closed, whether by an error or not. */
async function closeOf(stream: Readable): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
}

/** Resolves when a count that grows has stopped to. */
async function quiet(count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count();
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

/** Undici, which goes through proxies, does not tell how much of a request it has written. */
describe('an exchange directly, on a connection that was kept,', () => {
  const { host, open } = direct;
  const body = Buffer.alloc(50 * megabyte, 'a');

  async function afterOne(listener: typeof ok): Promise<{
    readonly server: WireServer;
    readonly send: (body?: Buffer) => Promise<HttpResponse>;
  }> {
    const server = await wireServer((request, response) => {
      (server.requests === 1 ? ok : listener)(request, response);
    });
    const exchange = await open();
    const send = (sent: Buffer = Buffer.from('{}')): Promise<HttpResponse> =>
      exchange(requestTo(`http://${host}:${server.port}/mcp`, { body: sent }));
    await textOf(await send());
    return { server, send };
  }

  it('uses another one when the machine has slept', async () => {
    const { server, send } = await afterOne(ok);
    const now = Date.now();
    vi.spyOn(Date, 'now').mockReturnValue(now + 4_500);
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await textOf(await send())).toBe('ok');
    expect(server.sockets).toHaveLength(2);
  });

  it('has not sent what is too long for one that the server has closed', async () => {
    const { server, send } = await afterOne(ok);
    (await server.socket(0)).destroy();
    expect(await failureOf(() => send(body))).toBeInstanceOf(NotSent);
  });

  it('has not sent what the server closed it in the middle of', async () => {
    const { server, send } = await afterOne((_request, { socket }) => void socket?.destroy());
    expect(await failureOf(() => send(body))).toBeInstanceOf(NotSent);
    // A new one does not end by itself: that is the server's answer to this request.
    expect(await failureOf(() => send(body))).toBeInstanceOf(ConnectionLost);
    expect([server.sockets.length, server.requests]).toEqual([2, 3]);
  });
});
