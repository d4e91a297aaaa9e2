import { describe, expect, it } from 'vitest';
import { nearest } from '../src/index.ts';

const flags = ['header', 'host', 'allow-http', 'auth-timeout', 'debug', 'static-oauth-client-info'];

describe('the nearest word', () => {
  it.each([
    ['heador', 'header'],
    ['haeder', 'header'],
    ['hsot', 'host'],
    ['headers', 'header'],
    ['allowhttp', 'allow-http'],
    ['timeout-auth', undefined],
    ['static-oauth-client', 'static-oauth-client-info'],
    ['static', 'static-oauth-client-info'],
    ['x', undefined],
    ['', undefined],
    ['silent', undefined],
  ])('to %j is %j', (word, expected) => expect(nearest(word, flags)).toBe(expected));

  it('is the first of equally near ones', () => {
    expect(nearest('cat', ['bat', 'rat'])).toBe('bat');
  });
});
