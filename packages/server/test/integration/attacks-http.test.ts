import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FusionAuthStandIn } from '../support/fusionauth-stand-in.ts';
import { bearer, callGetName, publicUrl } from '../support/protected-server.ts';
import { ServerProcess } from '../support/server-process.ts';

const mebibyte = 1024 * 1024;

/** The attack table, its half that needs no token knowledge. The server is its own process, so that its memory is its own. */
describe('an attack by HTTP', () => {
  let fusionAuth: FusionAuthStandIn;
  let server: ServerProcess;
  let port: number;
  let metricsUrl: string;
  let token: string;
  const figures: string[] = [];

  beforeAll(async () => {
    fusionAuth = await FusionAuthStandIn.start(`${publicUrl}/mcp`);
    const argv = [
      '--port',
      '0',
      '--metrics-port',
      '0',
      '--mcp-server-url',
      publicUrl,
      '--request-timeout',
      '1',
    ];
    server = new ServerProcess(argv, { FUSIONAUTH_URL: fusionAuth.url });
    const listening = await server.entry('listening');
    port = Number(listening['port']);
    metricsUrl = `http://127.0.0.1:${String(listening['metricsPort'])}/metrics`;
    token = await fusionAuth.token();
  });
  afterAll(async () => {
    process.stderr.write(figures.map((figure) => `${figure}\n`).join(''));
    server.child.kill('SIGTERM');
    await server.ended;
    await fusionAuth.close();
  });

  const endpoint = (): string => `http://127.0.0.1:${port}/mcp`;

  /** Resident memory of the server in bytes. */
  async function memory(): Promise<number> {
    const text = await (await fetch(metricsUrl)).text();
    return Number(/^process_resident_memory_bytes (?<bytes>\S+)$/mu.exec(text)?.groups?.['bytes']);
  }

  async function expectToServe(): Promise<void> {
    expect((await callGetName(endpoint(), bearer(token))).status).toBe(200);
  }

  /** Sends a raw text and reads until the server closes. */
  async function exchange(text: string | Buffer, write?: (socket: Socket) => void): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    // A server that answers and closes early makes further writing fail, which is no failure here.
    socket.on('error', () => undefined);
    socket.write(text);
    write?.(socket);
    await new Promise((resolve) => socket.once('close', resolve));
    return answer;
  }

  /** Posts zeros until they are all sent or the server has had enough. */
  async function postZeros(
    size: number,
    headers: Record<string, string>,
  ): Promise<{ status: number | undefined; sent: number }> {
    const outgoing = request(endpoint(), {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        ...headers,
      },
    });
    let status: number | undefined;
    let isOver = false;
    const over = new Promise<void>((resolve) => {
      outgoing.on('response', (response: IncomingMessage) => {
        status = response.statusCode;
        response.resume();
      });
      outgoing.on('error', () => undefined);
      outgoing.on('close', () => {
        isOver = true;
        resolve();
      });
    });
    const chunk = Buffer.alloc(mebibyte, '0');
    let sent = 0;
    const isFinished = (): boolean => isOver;
    while (sent < size && !isFinished()) {
      sent += chunk.length;
      if (!outgoing.write(chunk)) await Promise.race([once(outgoing, 'drain').catch(() => undefined), over]);
    }
    outgoing.end();
    await over;
    return { status, sent };
  }

  it.each(['https://evil.example', 'null', 'http://mcp.example.com.evil.example'])(
    'from the foreign Origin %s gets 403, a good token or not',
    async (Origin) => {
      expect((await callGetName(endpoint(), { Origin, ...bearer(token) })).status).toBe(403);
    },
  );

  it.each(['evil.example', 'mcp.example.com.evil.example', '127.0.0.1.evil.example'])(
    'by DNS rebinding, with the Host %s, gets 403',
    async (host) => {
      const answer = await exchange(
        `POST /mcp HTTP/1.1\r\nHost: ${host}:${port}\r\nAuthorization: Bearer ${token}\r\n` +
          'Content-Length: 0\r\nConnection: close\r\n\r\n',
      );
      expect(answer).toMatch(/^HTTP\/1\.1 403 /u);
    },
  );

  it('without a Host gets 400', async () => {
    expect(await exchange('POST /mcp HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /u);
  });

  it.each([
    ['that says its length', true, true],
    ['that says its length, without a token', true, false],
    ['in chunks', false, true],
    ['in chunks, without a token', false, false],
  ])('with a body of 100 MB %s is cut, and leaves the memory flat', async (name, declared, signed) => {
    await expectToServe();
    const before = await memory();
    const attacks = await Promise.all(
      Array.from({ length: 8 }, async () =>
        postZeros(100 * mebibyte, {
          ...(declared ? { 'Content-Length': String(100 * mebibyte) } : { 'Transfer-Encoding': 'chunked' }),
          ...(signed ? bearer(token) : {}),
        }),
      ),
    );
    const after = await memory();
    for (const { status, sent } of attacks) {
      // A client that writes on may see the connection end before it has read the answer.
      expect([413, 401, undefined]).toContain(status);
      expect(sent).toBeLessThan(100 * mebibyte);
    }
    // 8 bodies would be 800 MiB; what is there is the limit of 1 MiB for each, and what the garbage collector keeps.
    const growth = (after - before) / mebibyte;
    figures.push(`8 bodies of 100 MB ${name}: resident memory grew by ${growth.toFixed(1)} MiB`);
    expect(growth).toBeLessThan(100);
    await expectToServe();
  });

  it.each([
    ['with', 'Authorization: Bearer TOKEN\r\n'],
    ['without', ''],
  ])(
    'with a body that says it is too large gets 413 before it is sent, %s a token',
    async (_name, header) => {
      const answer = await exchange(
        `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
          `${header.replace('TOKEN', token)}Content-Length: ${mebibyte + 1}\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 413 /u);
    },
  );

  it.each([
    ['413 as soon as it is too large, with a token', 'Authorization: Bearer TOKEN\r\n', 413],
    ['401 without a token', '', 401],
  ])('with a body in chunks gets %s', async (_name, header, status) => {
    const chunk = '0'.repeat(mebibyte);
    const answer = await exchange(
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        `Accept: application/json, text/event-stream\r\n${header.replace('TOKEN', token)}` +
        `Transfer-Encoding: chunked\r\n\r\n${mebibyte.toString(16)}\r\n${chunk}\r\n1\r\n0`,
    );
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `, 'u'));
  });

  it('with a slow body gets 408 when the time for the request is over', async () => {
    const begin = performance.now();
    const answer = await exchange(
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
        `Accept: application/json, text/event-stream\r\nAuthorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\n{`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /u);
    expect(performance.now() - begin).toBeLessThan(4_000);
  });

  it('with slow headers gets 408 as well', async () => {
    const timers: NodeJS.Timeout[] = [];
    const answer = await exchange('POST /mcp HTTP/1.1\r\nHost: localhost\r\n', (socket) => {
      timers.push(setInterval(() => socket.writable && socket.write('X-Slow: 1\r\n'), 100));
    });
    for (const timer of timers) clearInterval(timer);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /u);
  });

  it('with 200 slow clients leaves others served', async () => {
    const sockets = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
    const ends = sockets.map(async (socket) => {
      socket.on('error', () => undefined).resume();
      socket.write('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n');
      await once(socket, 'close');
    });
    await expectToServe();
    await Promise.all(ends);
  });

  const bombs = {
    'of one long header': (size: number) =>
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Bomb: ${'x'.repeat(size)}`,
    'of many headers': (size: number) =>
      `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${`X-Bomb: ${'x'.repeat(20)}\r\n`.repeat(size / 20)}`,
    'as the path': (size: number) => `POST /${'x'.repeat(size)} HTTP/1.1\r\nHost: localhost`,
  };
  it.each(Object.entries(bombs))('with a header bomb %s gets 431', async (_name, bomb) => {
    expect(await exchange(`${bomb(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /u);
  });

  it('with 300 header bombs of 10 MB leaves the memory flat', async () => {
    await expectToServe();
    const large = Object.values(bombs).map((bomb) => Buffer.from(bomb(10_000_000)));
    const before = await memory();
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => large.map(async (bomb) => exchange(bomb))).flat(),
      );
      // Whoever writes on may see the connection end before he has read the answer; a busy machine may find him slow first.
      for (const answer of answers) expect(answer).toMatch(/^(?:$|HTTP\/1\.1 (?:408|431) )/u);
    }
    const growth = ((await memory()) - before) / mebibyte;
    figures.push(`300 header bombs of 10 MB: resident memory grew by ${growth.toFixed(1)} MiB`);
    expect(growth).toBeLessThan(100);
    await expectToServe();
  }, 60_000);

  it('by request smuggling, with two lengths, gets 400', async () => {
    const smuggled = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    for (const lengths of [
      'Content-Length: 5\r\nContent-Length: 6',
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
    ]) {
      const answer = await exchange(
        `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${lengths}\r\n\r\n0\r\n\r\n${smuggled}`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 /u);
      expect(answer).not.toContain('200 OK');
    }
  });

  it('with a batch of ten thousand messages does not get them answered', async () => {
    const message = { jsonrpc: '2.0', method: 'tools/call', params: { name: 'get_name', arguments: {} } };
    const response = await fetch(endpoint(), {
      method: 'POST',
      headers: {
        ...bearer(token),
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(Array.from({ length: 9_000 }, (_, id) => ({ ...message, id }))),
    });
    expect(response.status).toBe(400);
    await expectToServe();
  });
});
