import { describe, expect, it } from 'vitest';
import { clean, cleanLine } from '../src/index.ts';

describe('cleaned text', () => {
  it.each([
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['cursor movement and erasing', 'a\u001b[2J\u001b[1;1Hb', 'ab'],
    ['a window title', '\u001b]0;owned\u0007text', 'text'],
    ['a hyperlink', '\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['two-character escapes', 'a\u001bMb\u001bcc', 'abcc'],
    ['a lone escape and other C0 controls', 'a\u001b\u0000\u0008\r\u007fb', 'ab'],
    ['C1 controls', 'a\u009b\u0085b', 'ab'],
    ['bidirectional overrides', 'user\u202Etxt.exe\u2066\u200f', 'usertxt.exe'],
    ['what cannot be seen', 'a\u200bb\u00adc\ufeff\u{e0041}\u{e007f}', 'abc'],
  ])('is free of %s', (_what, dirty, expected) => expect(clean(dirty)).toBe(expected));

  it('keeps tabs, line feeds and the letters of all languages', () => {
    const innocent = 'Grüße,\tИван\n名前 🙂 é';
    expect(clean(innocent)).toBe(innocent);
  });

  it('stays clean when removing one sequence puts another together', () => {
    expect(clean('\u001b\u200b[31mred')).not.toContain('\u001b');
  });
});

describe('a cleaned line', () => {
  it('is one line with single spaces', () => {
    expect(cleanLine('  a\n\tb \r\n c ')).toBe('a b c');
  });

  it('is cut to its limit with an ellipsis', () => {
    expect(cleanLine('abcdef', 6)).toBe('abcdef');
    expect(cleanLine('abcdefg', 6)).toBe('abcde…');
    expect(cleanLine('x'.repeat(1_000))).toHaveLength(300);
  });

  it('is not cut inside a character', () => {
    expect(cleanLine('ab🙂cd', 4)).toBe('ab…');
  });
});
