import { describe, expect, it } from 'vitest';
import type { Answer } from '../src/fusionauth.ts';
import { sparingly } from '../src/unproven-keys.ts';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (kid: string): string => `${part({ alg: 'HS256', kid })}.${part({})}.signature`;
const good: Answer = { ok: true, value: {} };
const bad: Answer = { ok: false, status: 401, detail: 'HTTP status 401' };

describe('calls for tokens whose keys signed no good one', () => {
  it('are fifty at once and ten a second; a good token proves its key, whose tokens pass', async () => {
    let now = 0;
    const asked: string[] = [];
    const validate = sparingly(
      async (token) => {
        asked.push(token);
        return Promise.resolve(token === tokenOf('good') ? good : bad);
      },
      () => now,
    );
    const flood = async (): Promise<number> => {
      const before = asked.length;
      for (let index = 0; index < 1_000; index += 1) await validate(tokenOf(`made-up-${index}`));
      return asked.length - before;
    };
    expect(await flood()).toBe(50);
    expect(await validate(tokenOf('good'))).toMatchObject({ ok: false, status: 429 });
    now += 1_000;
    expect(await validate(tokenOf('good'))).toEqual(good);
    expect(await flood()).toBe(9);
    for (let index = 0; index < 100; index += 1) expect(await validate(tokenOf('good'))).toEqual(good);
    now += 60_000;
    expect(await flood()).toBe(50);
  });
});
