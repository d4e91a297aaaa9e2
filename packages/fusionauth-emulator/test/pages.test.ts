import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mergePatch } from '../src/json.ts';
import { loopbackHostOnly } from '../src/host-check.ts';
import { differences } from '../src/pages/differences.ts';
import { formTarget } from '../src/pages/layout.ts';

describe('the target of a form', () => {
  it('is the origin of a web redirect URI and the scheme of a native one', () => {
    expect(formTarget('http://localhost:3334/oauth/callback?x=1')).toEqual(['http://localhost:3334']);
    expect(formTarget('cursor://anysphere/callback')).toEqual(['cursor:']);
    expect(formTarget('nonsense')).toEqual([]);
  });
});

describe('the differences', () => {
  it('stand in the README in the same words, all of them', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const section = /## Where it differs\n(?<list>.*?)\n## /su.exec(readme)?.groups?.['list'] ?? '';
    const points = section.split(/^- /mu).slice(1);
    expect(points.map((point) => point.trim().replace(/\s+/gu, ' '))).toEqual(differences);
  });
});

describe('a merge patch', () => {
  it('merges objects, replaces lists and removes by null', () => {
    expect(mergePatch({ a: { b: 1, c: [1] }, d: 1 }, { a: { c: [2] }, d: null })).toEqual({
      a: { b: 1, c: [2] },
    });
  });

  it('does not reach the prototype', () => {
    mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'));
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('the Host check', () => {
  const passes = (host: string | undefined): boolean => {
    let passed = false;
    const response = { status: () => response, type: () => response, send: () => response };
    loopbackHostOnly({ get: () => host } as never, response as never, () => {
      passed = true;
    });
    return passed;
  };

  it.each(['localhost', 'localhost:9011', '127.0.0.1:9011', '[::1]:9011', 'LOCALHOST:1'])(
    'lets %s pass',
    (host) => {
      expect(passes(host)).toBe(true);
    },
  );

  it.each([undefined, '', 'evil.example', 'localhost.evil.example', 'evil.example:9011', '127.0.0.1.nip.io'])(
    'stops %s',
    (host) => {
      expect(passes(host)).toBe(false);
    },
  );
});
