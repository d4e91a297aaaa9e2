import { describe, expect, it } from 'vitest';
import { httpUrl, InvalidValue, isLoopback, port, seconds, text } from '../src/index.ts';

describe('a port', () => {
  it.each([
    ['1', 1],
    ['65535', 65_535],
  ])('accepts %s', (raw, value) => expect(port(raw)).toBe(value));

  it.each(['0', '65536', '-1', '80.5', '0x50', ' 80', '', 'http', '99999999999'])('refuses %j', (raw) =>
    expect(() => port(raw)).toThrow(InvalidValue),
  );

  it('may be 0 where the system chooses', () => {
    expect(port('0', { any: true })).toBe(0);
    expect(() => port('-1', { any: true })).toThrow('a port is a whole number from 0 to 65535');
  });
});

describe('a number of seconds', () => {
  it('becomes milliseconds', () => {
    expect(seconds('30')).toBe(30_000);
    expect(seconds('0.5')).toBe(500);
    expect(seconds('2073600')).toBe(2_073_600_000);
  });

  // The last one is longer than a timer can wait: Node would fire it at once.
  it.each(['0', '-1', '1e3', '', '1.', 'NaN', 'Infinity', '2073601'])('refuses %j', (raw) =>
    expect(() => seconds(raw)).toThrow(InvalidValue),
  );
});

describe('a URL', () => {
  it('is http or https', () => {
    expect(httpUrl('https://a.example/mcp').href).toBe('https://a.example/mcp');
    expect(httpUrl('HTTP://LOCALHOST:80').href).toBe('http://localhost/');
  });

  it.each(['', 'a.example', '/mcp', 'localhost:8000', 'ftp://a.example', 'javascript:alert(1)', 'http://'])(
    'refuses %j',
    (raw) => expect(() => httpUrl(raw)).toThrow('it is a full URL'),
  );

  it('has no user name, password or fragment', () => {
    expect(() => httpUrl('https://me@a.example')).toThrow('user name or password');
    expect(() => httpUrl('https://:p@a.example')).toThrow('user name or password');
    expect(() => httpUrl('https://a.example/#x')).toThrow('fragment');
  });
});

describe('a text', () => {
  it('is not empty', () => {
    expect(text(' a ')).toBe(' a ');
    expect(() => text('')).toThrow('it is empty');
    expect(() => text(' \t')).toThrow('it is empty');
  });
});

describe('loopback', () => {
  it.each([
    'http://localhost:8000',
    'http://LOCALHOST',
    'https://app.localhost',
    'http://127.0.0.1',
    'http://127.9.8.7',
    'http://2130706433',
    'http://[::1]:3334/x',
  ])('is %s', (url) => expect(isLoopback(new URL(url))).toBe(true));

  it.each([
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://127.example.com',
    'http://0.0.0.0',
    'http://10.0.0.1',
    'http://[::2]',
    'http://notlocalhost',
  ])('is not %s', (url) => expect(isLoopback(new URL(url))).toBe(false));
});
