import { describe, expect, it } from 'vitest';
import { KnownRevocations } from '../src/shared-state/known-revocations.ts';

describe('the known revocations', () => {
  it('cover the tokens of that subject that were issued until then, and no others', () => {
    const known = new KnownRevocations(() => 0);
    known.record('user', { before: 100, until: 200 });
    expect(known.covers('user', 99)).toBe(true);
    expect(known.covers('user', 100)).toBe(true);
    expect(known.covers('user', 101)).toBe(false);
    expect(known.covers('other', 99)).toBe(false);
  });

  it('keep the later bounds of two, in whichever order they come', () => {
    const known = new KnownRevocations(() => 0);
    known.record('user', { before: 100, until: 300 });
    known.record('user', { before: 50, until: 400 });
    expect(known.entries()).toEqual([['user', { before: 100, until: 400 }]]);
  });

  it('are forgotten when the last token has expired, so that their number stays bounded', () => {
    let now = 0;
    const known = new KnownRevocations(() => now);
    known.record('user', { before: 100, until: 200 });
    now = 200_000;
    expect(known.covers('user', 99)).toBe(true);
    now = 200_001;
    expect(known.covers('user', 99)).toBe(false);
    expect(known.entries()).toEqual([]);
  });

  it('tell those who watch what is new, and nothing that is known or over', () => {
    const known = new KnownRevocations(() => 150_000);
    const heard: string[] = [];
    const end = known.watch((subject) => heard.push(subject));
    known.record('user', { before: 100, until: 200 });
    known.record('user', { before: 99, until: 199 });
    known.record('over', { before: 100, until: 149 });
    expect(heard).toEqual(['user']);
    known.record('user', { before: 101, until: 200 });
    end();
    known.record('other', { before: 100, until: 200 });
    expect(heard).toEqual(['user', 'user']);
  });

  it('are whole seconds, rounded to the strict side of their end and not beyond their begin', () => {
    const known = new KnownRevocations(() => 0);
    known.record('user', { before: 100.9, until: 200.1 });
    expect(known.entries()).toEqual([['user', { before: 100, until: 201 }]]);
  });
});
