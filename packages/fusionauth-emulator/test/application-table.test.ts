import { describe, expect, it } from 'vitest';
import { ApplicationTable } from '../src/store/application-table.ts';
import type { Application } from '../src/store/types.ts';

const named = (name: string): Application => ({ name }) as Application;

describe('the applications', () => {
  it('are found by name in any case, as long as they have it', () => {
    const table = new ApplicationTable().set('1', named('Cursor')).set('2', named('Zed'));
    expect(table.idOfName('CURSOR')).toBe('1');
    table.set('1', named('Cursor 2'));
    expect([table.idOfName('cursor'), table.idOfName('cursor 2')]).toEqual([undefined, '1']);
    table.set('2', named('Cursor'));
    expect(table.idOfName('cursor')).toBe('2');
    table.delete('2');
    expect(table.idOfName('cursor')).toBeUndefined();
    table.clear();
    expect(table.idOfName('cursor 2')).toBeUndefined();
  });

  it('of one name leave it to the other when one of them goes', () => {
    const table = new ApplicationTable().set('1', named('Cursor')).set('2', named('Cursor'));
    table.delete('1');
    expect(table.idOfName('cursor')).toBe('2');
  });
});
