import { describe, expect, it } from 'vitest';
import { EventStreamParser } from '../src/http/event-stream.ts';

/** The events of a text that comes in chunks of a size, and the parser afterwards. */
function read(text: string | Buffer, size = Infinity) {
  const bytes = Buffer.from(text);
  const parser = new EventStreamParser();
  const events = [];
  for (let from = 0; from < bytes.length; from += size) {
    for (const { type, data } of parser.feed(bytes.subarray(from, from + size))) {
      events.push([type, data.toString('utf8')]);
    }
  }
  return { events, parser };
}

describe('a stream of events', () => {
  const text =
    '\uFEFF: comment\r\nid: 1\r\nevent: message\r\ndata: {"a":"grüße 👩‍👩‍👧"}\r\n\r\ndata:one\rdata: two\r\r\n\nid\ndata\n\nretry: 250\ndata: rest';

  it.each([1, 2, 3, 5, 7, 64, Infinity])('is read the same in chunks of %d bytes', (size) => {
    const { events, parser } = read(text, size);
    expect(events).toEqual([
      ['message', '{"a":"grüße 👩‍👩‍👧"}'],
      ['message', 'one\ntwo'],
      ['message', ''],
    ]);
    expect(parser.lastEventId).toBe('');
    expect(parser.retry).toBe(250);
  });

  it.each(['\n', '\r', '\r\n'])('ends its lines with %j', (end) => {
    const lines = ['event: endpoint', 'data: /messages', '', 'data: x', '', ''];
    expect(read(lines.join(end)).events).toEqual([
      ['endpoint', '/messages'],
      ['message', 'x'],
    ]);
  });

  it('keeps the id of the last complete event, and no other', () => {
    expect(read('id: 1\ndata: a\n\nid: 2\ndata: b').parser.lastEventId).toBe('1');
    expect(read('id: 1\n\nid: 2\0\ndata: a\n\n').parser.lastEventId).toBe('1');
    expect(read('data: a\n\n').parser.lastEventId).toBeUndefined();
  });

  it('tells nothing of an event that the stream ends in', () => {
    expect(read('data: a\n').events).toEqual([]);
  });

  it('takes no retry that is no number of milliseconds', () => {
    for (const retry of ['-1', '1.5', 'soon', ''])
      expect(read(`retry: ${retry}\n\n`).parser.retry).toBeUndefined();
  });

  it('passes by fields that it does not know, and takes one space from a value', () => {
    expect(read('foo: bar\ndata:  two spaces\n: \n\n').events).toEqual([['message', ' two spaces']]);
  });
});
