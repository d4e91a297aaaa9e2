import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { StdioTransport, UnreadableLine } from '../src/bridge/stdio.ts';

const ping = (id: number | string, text = ''): JSONRPCMessage => ({
  jsonrpc: '2.0',
  id,
  method: 'ping',
  params: { text },
});
const line = (message: unknown): string => `${JSON.stringify(message)}\n`;

async function openTransport() {
  const input = new PassThrough();
  const output = new PassThrough();
  const transport = new StdioTransport(input, output);
  const messages: unknown[] = [];
  const failures: Error[] = [];
  const closed = new Promise<void>((resolve) => {
    transport.onclose = resolve;
  });
  transport.onmessage = (message) => messages.push(message);
  transport.onerror = (error) => failures.push(error);
  await transport.start();
  return { transport, input, output, messages, failures, closed };
}

/** Everything that the transport makes of these chunks, followed by the end of input. */
async function read(...chunks: (string | Buffer)[]) {
  const { input, messages, failures, closed } = await openTransport();
  for (const chunk of chunks) input.write(chunk);
  input.end();
  await closed;
  return { messages, failures };
}

describe('reading from the host', () => {
  it('reads one message a line', async () => {
    expect(await read(line(ping(1)), line(ping(2)))).toEqual({ messages: [ping(1), ping(2)], failures: [] });
  });

  it('reads several messages from one chunk, in order, with CRLF and empty lines between them', async () => {
    const text = `${line(ping(1))}\r\n\n${JSON.stringify(ping(2))}\r\n  \n${line(ping(3))}`;
    expect(await read(text)).toEqual({ messages: [ping(1), ping(2), ping(3)], failures: [] });
  });

  it('reads the same whatever the chunks, in the middle of lines and of UTF-8 characters', async () => {
    const sent = [ping('a', 'grüße'), ping('b', '日本語 👩‍👩‍👧'), ping('c')];
    const bytes = Buffer.from(sent.map(line).join(''));
    for (const size of [1, 2, 3, 7, 64]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      expect(await read(...chunks)).toEqual({ messages: sent, failures: [] });
    }
  });

  it('keeps U+2028 inside a message: only a line feed ends a line', async () => {
    const sent = ping(1, 'one\u2028two\u0085three');
    expect(await read(line(sent))).toEqual({ messages: [sent], failures: [] });
  });

  it('reads a line of 20 MB', async () => {
    const { messages } = await read(line(ping(1, 'x'.repeat(20_000_000))), line(ping(2)));
    expect(messages).toHaveLength(2);
    expect((messages[0] as { params: { text: string } }).params.text).toHaveLength(20_000_000);
  });

  it.each([
    ['no JSON', 'hello', 'JSON'],
    ['JSON that ends early', '{"jsonrpc":"2.0","id":1', 'JSON'],
    ['a text', '"hello"', 'no JSON-RPC 2.0 message'],
    ['null', 'null', 'no JSON-RPC 2.0 message'],
    ['a list', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 'no JSON-RPC 2.0 message'],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', 'no JSON-RPC 2.0 message'],
    ['neither method nor id', '{"jsonrpc":"2.0"}', 'no JSON-RPC 2.0 message'],
  ])('reports %s and reads the next line', async (_what, text, why) => {
    const { messages, failures } = await read(`${text}\n`, line(ping(2)));
    expect(messages).toEqual([ping(2)]);
    expect(failures).toEqual([expect.any(UnreadableLine)]);
    expect(failures[0]?.message).toContain(why);
  });

  it('closes once when the input ends, breaks or is destroyed', async () => {
    for (const end of [
      (input: PassThrough) => input.end(),
      (input: PassThrough) => input.destroy(),
      (input: PassThrough) => input.destroy(new Error('EIO')),
    ]) {
      const { transport, input } = await openTransport();
      let closings = 0;
      transport.onclose = () => (closings += 1);
      end(input);
      await once(input, 'close').catch(() => undefined);
      await transport.close();
      expect(closings).toBe(1);
    }
  });

  it('closes when nobody reads any more', async () => {
    const { output, closed } = await openTransport();
    output.destroy(new Error('EPIPE'));
    await expect(closed).resolves.toBeUndefined();
  });

  it('delivers nothing after it was closed', async () => {
    const { transport, input, messages } = await openTransport();
    transport.onmessage = (message) => {
      messages.push(message);
      void transport.close();
    };
    input.write(`${line(ping(1))}${line(ping(2))}`);
    input.end(line(ping(3)));
    await turn();
    expect(messages).toEqual([ping(1)]);
  });
});

describe('writing to the host', () => {
  it('writes one message a line, line feeds in it escaped', async () => {
    const { transport, output } = await openTransport();
    await transport.send(ping(1, 'two\nlines'));
    await transport.send(ping(2));
    expect(String(output.read())).toBe(line(ping(1, 'two\nlines')) + line(ping(2)));
  });

  it('waits for a slow reader', async () => {
    const taken: (() => void)[] = [];
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        taken.push(done);
      },
    });
    const transport = new StdioTransport(new PassThrough(), slow);
    const settled: number[] = [];
    const first = transport.send(ping(1)).then(() => settled.push(1));
    const second = transport.send(ping(2)).then(() => settled.push(2));
    await turn();
    expect(settled).toEqual([]);
    taken[0]?.();
    await first;
    expect(settled).toEqual([1]);
    taken[1]?.();
    await second;
    expect(settled).toEqual([1, 2]);
  });

  it('rejects when the reader has gone, and after it was closed', async () => {
    const { transport, output } = await openTransport();
    output.destroy();
    await expect(transport.send(ping(1))).rejects.toThrow();
    await transport.close();
    await expect(transport.send(ping(2))).rejects.toThrow('the host has gone');
  });
});
