import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Message, UnreadableMessage, type JsonObject } from '../src/bridge/message.ts';
import { StdioHost } from '../src/bridge/stdio.ts';

const ping = (id: number | string, text = ''): JsonObject => ({
  jsonrpc: '2.0',
  id,
  method: 'ping',
  params: { text },
});
const line = (message: unknown): string => `${JSON.stringify(message)}\n`;

function openHost() {
  const input = new PassThrough();
  const output = new PassThrough();
  const host = new StdioHost(input, output);
  const messages: unknown[] = [];
  const failures: Error[] = [];
  const closed = new Promise<void>((resolve) => {
    host.onClose = resolve;
  });
  host.onMessage = ({ json }) => messages.push(json);
  host.onUnreadable = (error) => failures.push(error);
  host.start();
  return { host, input, output, messages, failures, closed };
}

/** Everything that the host makes of these chunks, followed by the end of input. */
async function read(...chunks: (string | Buffer)[]) {
  const { input, messages, failures, closed } = openHost();
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
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', 'no JSON-RPC 2.0 message'],
    ['neither method nor id', '{"jsonrpc":"2.0"}', 'no JSON-RPC 2.0 message'],
  ])('reports %s and reads the next line', async (_what, text, why) => {
    const { messages, failures } = await read(`${text}\n`, line(ping(2)));
    expect(messages).toEqual([ping(2)]);
    expect(failures).toEqual([expect.any(UnreadableMessage)]);
    expect(failures[0]?.message).toContain(why);
  });

  it('reads each message of a batch, and reports what in it is none', async () => {
    const { messages, failures } = await read(`[${JSON.stringify(ping(1))},7,${JSON.stringify(ping(2))}]\n`);
    expect(messages).toEqual([ping(1), ping(2)]);
    expect(failures).toHaveLength(1);
  });

  it('closes once when the input ends, breaks or is destroyed', async () => {
    for (const end of [
      (input: PassThrough) => input.end(),
      (input: PassThrough) => input.destroy(),
      (input: PassThrough) => input.destroy(new Error('EIO')),
    ]) {
      const { host, input } = openHost();
      let closings = 0;
      host.onClose = () => (closings += 1);
      end(input);
      await once(input, 'close').catch(() => undefined);
      host.close();
      expect(closings).toBe(1);
    }
  });

  it('closes when nobody reads any more', async () => {
    const { output, closed } = openHost();
    output.destroy(new Error('EPIPE'));
    await expect(closed).resolves.toBeUndefined();
  });

  it('delivers nothing after it was closed', async () => {
    const { host, input, messages } = openHost();
    host.onMessage = ({ json }) => {
      messages.push(json);
      host.close();
    };
    input.write(`${line(ping(1))}${line(ping(2))}`);
    input.end(line(ping(3)));
    await turn();
    expect(messages).toEqual([ping(1)]);
  });
});

describe('writing to the host', () => {
  it('writes one message a line, line feeds in it escaped', async () => {
    const { host, output } = openHost();
    await host.send(Message.of(ping(1, 'two\nlines')));
    await host.send(Message.of(ping(2)));
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
    const host = new StdioHost(new PassThrough(), slow);
    const settled: number[] = [];
    const first = host.send(Message.of(ping(1))).then(() => settled.push(1));
    const second = host.send(Message.of(ping(2))).then(() => settled.push(2));
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
    const { host, output } = openHost();
    output.destroy();
    await expect(host.send(Message.of(ping(1)))).rejects.toThrow();
    host.close();
    await expect(host.send(Message.of(ping(2)))).rejects.toThrow('the host has gone');
  });
});
