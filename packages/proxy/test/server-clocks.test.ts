import { describe, expect, it } from 'vitest';
import { ServerClocks } from '../src/http/server-clocks.ts';

const now = 1_800_000_000_000;
const url = new URL('https://mcp.example.com/mcp');
const dateAt = (milliseconds: number): string => new Date(milliseconds).toUTCString();

/** What the server's clock shows after answers with these headers, as seconds ahead of ours. */
function aheadAfter(...answers: { date?: string; age?: string }[]): number {
  const clocks = new ServerClocks(() => now);
  for (const answer of answers) clocks.note(url, answer);
  return clocks.seconds(url) - now / 1_000;
}

describe('the clock of a server', () => {
  it.each([
    ['ours as long as nothing is known', [], 0],
    ['ours when it is a few seconds off', [{ date: dateAt(now - 4_000) }], 0],
    ['as its answers say, ahead', [{ date: dateAt(now + 90_000) }], 90],
    ['as its answers say, behind', [{ date: dateAt(now - 90_000) }], -90],
    ['ours again when that has been put right', [{ date: dateAt(now + 90_000) }, { date: dateAt(now) }], 0],
    ['not what a cache says', [{ date: dateAt(now - 90_000), age: '90' }], 0],
    ['not what is no date', [{ date: 'soon' }, {}], 0],
  ])('is %s', (_case, answers, ahead) => {
    expect(aheadAfter(...answers)).toBe(ahead);
  });

  it('is its own: another server has another', () => {
    const clocks = new ServerClocks(() => now);
    clocks.note(url, { date: dateAt(now + 90_000) });
    expect(clocks.seconds(new URL('https://login.example.com/token'))).toBe(now / 1_000);
    expect(clocks.ahead(new URL('/other', url))).toBe(90_000);
  });
});
