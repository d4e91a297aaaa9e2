import { describe, expect, it } from 'vitest';
import { Message, UnreadableMessage } from '../src/bridge/message.ts';

const parse = (text: string | Buffer): readonly Message[] => Message.parse(Buffer.from(text));

describe('a message', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":0,"method":"ping"}', 'request', 0, 'ping'],
    ['{"jsonrpc":"2.0","id":"","method":"ping"}', 'request', '', 'ping'],
    ['{"jsonrpc":"2.0","method":"ping"}', 'notification', undefined, 'ping'],
    ['{"jsonrpc":"2.0","id":-7,"result":{}}', 'response', -7, undefined],
    ['{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}', 'response', undefined, undefined],
  ])('is known by what it holds: %s', (text, kind, id, method) => {
    expect(parse(text)).toMatchObject([{ kind, id, method }]);
  });

  it('travels as it came: large numbers, order, unknown fields, escapes', () => {
    const text =
      '{"z":1,"method":"x","params":{"n":12345678901234567890,"s":"\\u00e9"},"jsonrpc":"2.0","id":1.0}';
    expect(parse(text)[0]?.bytes.toString()).toBe(text);
  });

  it('is on one line, however it came', () => {
    const [message] = parse('{\r\n  "jsonrpc": "2.0",\n  "id": 1,\n  "method": "a\\nb"\n}');
    expect(message?.bytes.toString()).not.toMatch(/[\r\n]/u);
    expect(message?.json).toEqual({ jsonrpc: '2.0', id: 1, method: 'a\nb' });
  });

  it('is read again when it is large, rather than kept twice', () => {
    const [message] = parse(
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x', params: { a: 'x'.repeat(2 << 20) } }),
    );
    expect(message?.json).not.toBe(message?.json);
    expect(message?.params).toEqual(message?.json['params']);
  });

  it('has empty params, meta and result where there are none, or something else', () => {
    const [message] = parse('{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}');
    expect([message?.params, message?.meta, message?.result]).toEqual([{}, {}, undefined]);
  });

  it.each([
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), undefined],
    ['no JSON', '{"jsonrpc":"2.0","id":1', undefined],
    ['a text', '"x"', undefined],
    ['another version', '{"jsonrpc":"1.0","id":5,"method":"x"}', 5],
    ['no method', '{"jsonrpc":"2.0","id":"six"}', 'six'],
    ['a method that is no name', '{"jsonrpc":"2.0","id":7,"method":1}', 7],
  ])('is not %s', (_what, text, id) => {
    const [fault] = Message.parseEach(Buffer.from(text));
    expect(fault).toBeInstanceOf(UnreadableMessage);
    expect((fault as UnreadableMessage).id).toBe(id);
    expect(() => parse(text)).toThrow(UnreadableMessage);
  });

  it('comes several at a time in a batch', () => {
    expect(parse('[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"}]')).toHaveLength(2);
    expect(parse('[]')).toEqual([]);
  });
});
