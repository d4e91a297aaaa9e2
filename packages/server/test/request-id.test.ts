import { describe, expect, it } from 'vitest';
import { requestId } from '../src/observation/request-id.ts';

const made = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/u;

describe('the id of a request', () => {
  it('is the one that it came with', () => {
    expect(requestId('req-1.2_3:4+5/6=')).toBe('req-1.2_3:4+5/6=');
  });

  it.each([undefined, '', 'a b', 'a\nb', '{"level":"error"}', 'x'.repeat(129), ['a', 'b']])(
    'is made for a request that came with %j',
    (given) => {
      expect(requestId(given)).toMatch(made);
      expect(requestId(given)).not.toBe(requestId(given));
    },
  );
});
