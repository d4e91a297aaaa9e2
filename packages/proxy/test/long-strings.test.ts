import { describe, expect, it, vi } from 'vitest';
import { createRandom } from './support/random.ts';
import { withoutLongStrings } from '../src/bridge/long-strings.ts';
import { Message, UnreadableMessage } from '../src/bridge/message.ts';

const base64 = Buffer.alloc(1_200_000, 'keyhole').toString('base64');
const image = { content: [{ type: 'image', mimeType: 'image/png', data: base64 }] };
const bytesOf = (json: unknown): Buffer =>
  Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
const outline = (json: unknown): string | undefined => withoutLongStrings(bytesOf(json), 'utf8');

describe('a text without its long strings', () => {
  it('has all the rest', () => {
    expect(outline({ id: 'ä"\\', result: image, last: [1, 'x', '\\'] })).toBe(
      JSON.stringify({
        id: 'ä"\\',
        result: { content: [{ ...image.content[0], data: '' }] },
        last: [1, 'x', '\\'],
      }),
    );
  });

  it('leaves out what follows an escaped backslash, and nothing that an escaped quote only seems to begin', () => {
    expect(outline({ a: '\\', b: base64 })).toBe(JSON.stringify({ a: '\\', b: '' }));
    expect(outline(`{"a":"\\",\\"","b":"${base64}"}`)).toBe(String.raw`{"a":"\",\"","b":""}`);
  });

  it.each<[string, unknown]>([
    ['nothing is long', { a: 'x'.repeat((1 << 16) - 1) }],
    ['a long string has escapes', { a: `${base64}\n` }],
    ['there are many strings', { a: Array.from({ length: 101 }, String), b: base64 }],
    ['a string has many quotes', { a: '"'.repeat(200), b: base64 }],
    ['a string does not end', `{"a":"${base64}`],
    ['a long string ends in a backslash', `{"a":"${base64}\\"}`],
    ...Array.from({ length: 0x20 }, (_, code): [string, unknown] => [
      `a long string has the control character ${code}`,
      `{"a":"${base64}${String.fromCodePoint(code)}x"}`,
    ]),
  ])('is not made where %s', (_why, json) => {
    expect(outline(json)).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['escaped quotes in one string', { a: '"'.repeat(10_000), b: base64 }],
    ['strings', { a: Array.from({ length: 10_000 }, String), b: base64 }],
  ])('is not sought further than the first few of many %s', (_which, json) => {
    const bytes = bytesOf(json);
    const search = vi.spyOn(bytes, 'indexOf');
    expect(withoutLongStrings(bytes, 'utf8')).toBeUndefined();
    expect(search.mock.calls.length).toBeLessThan(300);
  });
});

describe('a large message', () => {
  const read = (text: unknown): Message => {
    const [message] = Message.parse(bytesOf(text));
    if (message === undefined) throw new Error('There is no message.');
    return message;
  };

  it('is known by what stands around its long strings, which are there when asked for', () => {
    const text = JSON.stringify({ jsonrpc: '2.0', result: image, id: 7 });
    const message = read(text);
    expect(message).toMatchObject({ kind: 'response', id: 7, method: undefined });
    expect(message.bytes.toString()).toBe(text);
    expect(message.result).toEqual(image);
    expect(message.outline['result']).toEqual({ content: [{ ...image.content[0], data: '' }] });
  });

  it('is on one line', () => {
    const message = read(JSON.stringify({ jsonrpc: '2.0', result: image, id: 7 }, undefined, 2));
    expect(message.bytes.includes('\n')).toBe(false);
    expect(message.result).toEqual(image);
  });

  it('may have an id and a method that are long themselves', () => {
    expect(read({ jsonrpc: '2.0', id: base64, result: {} }).id).toBe(base64);
    expect(read({ jsonrpc: '2.0', id: 1, method: base64 }).method).toBe(base64);
    expect(read({ jsonrpc: '2.0', id: '', result: image }).id).toBe('');
  });

  it('has an outline too where it had to be read whole, or is small', () => {
    const result = { text: `${base64}\n` };
    expect(read({ jsonrpc: '2.0', id: 1, result }).outline['result']).toEqual(result);
    expect(read({ jsonrpc: '2.0', id: 1, result: {} }).outline).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: {},
    });
  });

  it('comes in a batch as well', () => {
    const [first, second] = Message.parse(
      bytesOf([
        { jsonrpc: '2.0', id: 1, result: image },
        { jsonrpc: '2.0', method: 'x' },
      ]),
    );
    expect(first?.result).toEqual(image);
    expect(second?.method).toBe('x');
  });

  it('says what is wrong with it as if it had been read whole', () => {
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, result: image }).slice(0, -1);
    const [fault] = Message.parseEach(Buffer.from(text));
    expect(() => void JSON.parse(text)).toThrow((fault as UnreadableMessage).message);
    const [other] = Message.parseEach(bytesOf({ jsonrpc: '1.0', id: 5, method: 'x', params: image }));
    expect(other).toMatchObject({ id: 5 });
    expect(other).toBeInstanceOf(UnreadableMessage);
  });
});

describe('of damaged texts', () => {
  const seed = Math.trunc(Math.random() * 1e9);
  const random = createRandom(seed);
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value;
  const short = ['', 'a', '"', '\\', '\\"', 'ä€😀', '\n', '{"id":3}', '\u2028'];
  const longs = [base64, `${base64}ä`, `"${base64}`, `${base64}\\`];

  function value(depth: number): unknown {
    switch (Math.floor(random() * (depth > 2 ? 4 : 6))) {
      case 0:
        return pick(short);
      case 1:
        return pick(longs);
      case 2:
        return random() * 1e6;
      case 3:
        return null;
      case 4:
        return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1));
      default:
        return Object.fromEntries([pick(short), 'x'].map((key) => [key, value(depth + 1)]));
    }
  }

  it(`those pass that JSON.parse takes, as what they are (seed ${seed})`, () => {
    const damage = [...Buffer.from('"\\{}[],: \n\0x'), 0xff];
    let outlines = 0;
    for (let round = 0; round < 60; round += 1) {
      const json = {
        jsonrpc: '2.0',
        id: pick([1, 'one', '']),
        result: [value(0), pick(longs)],
        more: value(0),
      };
      const bytes = bytesOf(random() < 0.5 ? JSON.stringify(json) : JSON.stringify(json, undefined, 1));
      if (random() < 0.7) {
        // Near a quote, where it matters, or anywhere.
        const from = Math.floor(random() * bytes.length);
        const near = random() < 0.7 ? bytes.indexOf('"', from) : from;
        bytes[Math.max(0, near - Math.floor(random() * 3))] = pick(damage);
      }
      if (withoutLongStrings(bytes, 'utf8') !== undefined) outlines += 1;
      let whole: { jsonrpc?: unknown; id?: unknown } | undefined;
      try {
        whole = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as typeof whole;
      } catch {
        whole = undefined;
      }
      const [message] = Message.parseEach(bytes);
      if (whole?.jsonrpc !== '2.0' || !('id' in whole) || !('result' in whole)) {
        expect(message).toBeInstanceOf(UnreadableMessage);
      } else {
        expect((message as Message).json).toEqual(whole);
        expect((message as Message).id).toBe(whole.id);
      }
    }
    // Otherwise nothing would have been compared.
    expect(outlines).toBeGreaterThan(2);
  });
});
