import { parse as parseJsonc, type ParseError } from 'jsonc-parser';
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../proxy/test/support/random.ts';
import type { Edit } from '../src/hosts/document.ts';
import { openJson } from '../src/hosts/json-document.ts';
import { openToml } from '../src/hosts/toml-document.ts';

const entry = { command: 'npx', args: ['mcp-keyhole', 'x'] };
const set: Edit = { kind: 'set', name: 'n', entry, atFirst: {}, replace: false };
const remove: Edit = { kind: 'remove', name: 'n' };
const grammar = { comments: true, trailingCommas: true };

type Pick = <Item>(items: readonly [Item, ...Item[]]) => Item;

/** Repeatable chance: the same files in every run. */
function chance(seed: number): Pick {
  const random = createRandom(seed);
  return (items) => items[Math.floor(random() * items.length)] ?? items[0];
}

/** An object with any white space, comments and commas, and the given members somewhere in it. */
function object(pick: Pick, depth: number, members: readonly string[]): string {
  const space = (): string =>
    pick(['', ' ', '\n', '\n  ', '\n\t', ' // c\n', ' /* x */ ', '\n    // "a": {\n', '\r\n  ']);
  const value = (): string =>
    depth < 2 && pick([true, false]) ? object(pick, depth + 1, []) : pick(['1', '"s,}"', 'null', '"// no"']);
  const others = Array.from(
    { length: pick([0, 1, 2, 3]) },
    (_, index) => `"k${String(index)}"${space()}:${space()}${value()}`,
  );
  const all = pick([true, false]) ? [...others, ...members] : [...members, ...others];
  const last = all.length > 0 ? pick(['', ',']) : '';
  return `{${space()}${all.map((member) => member + space()).join(`,${space()}`)}${last}${space()}}`;
}

type Values = Record<string, Record<string, unknown>>;

function json(text: string): Values {
  const errors: ParseError[] = [];
  const value = parseJsonc(text, errors, { allowTrailingComma: true }) as Values;
  expect(errors, text).toEqual([]);
  return value;
}

const comments = (text: string): number => text.match(/\/\/ c|\/\* x \*\/|\/\/ "a"/gu)?.length ?? 0;

describe('any JSON with comments', () => {
  it('gets an entry, and loses it again, with all else and every comment as it was', () => {
    const pick = chance(1);
    for (let round = 0; round < 3_000; round += 1) {
      const servers = pick([true, false]) ? [`"mcpServers": ${object(pick, 1, [])}`] : [];
      const text = object(pick, 0, servers);
      const before = json(text);
      const added = openJson(text, 'mcpServers', grammar, 'f').edit(set).text;
      expect(json(added), added).toEqual({ ...before, mcpServers: { ...before['mcpServers'], n: entry } });
      const removed = openJson(added, 'mcpServers', grammar, 'f').edit(remove).text;
      expect(json(removed), removed).toEqual({ ...before, mcpServers: before['mcpServers'] ?? {} });
      expect([comments(added), comments(removed)], text).toEqual([comments(text), comments(text)]);
    }
  });

  it('has its entry changed or taken out wherever that stands', () => {
    const pick = chance(2);
    for (let round = 0; round < 3_000; round += 1) {
      const own = '"n": {"command":"mcp-keyhole"}';
      const text = `{"mcpServers": ${object(pick, 1, [own])}}`;
      const { n, ...others } = json(text)['mcpServers'] ?? {};
      expect(n).toBeDefined();
      const removed = openJson(text, 'mcpServers', grammar, 'f').edit(remove).text;
      expect(json(removed), removed).toEqual({ mcpServers: others });
      const changed = openJson(text, 'mcpServers', grammar, 'f').edit(set).text;
      expect(json(changed), changed).toEqual({ mcpServers: { ...others, n: entry } });
    }
  });
});

const toml = (text: string): Values => getStaticTOMLValue(parseTOML(text)) as unknown as Values;

describe('any TOML', () => {
  it('gets an entry or has it changed, and loses it again, with all else as it was', () => {
    const pick = chance(3);
    const parts = [
      ...[
        '[a]\nx = 1 # c\n',
        '[mcp_servers.o]\ncommand = "x"\n',
        '\n',
        '# c\n',
        '  [ind]\n  z = { a = 1 }\n',
      ],
      '[mcp_servers.o.env]\nK = """m\n[mcp_servers.n]\n"""\n',
    ];
    const owns: [string, ...string[]] = [
      '',
      '[mcp_servers.n]\ncommand = "mcp-keyhole" # mine\nk = 3\n',
      '[mcp_servers.n]# h\nargs = [\n "mcp-keyhole", # one\n]\n[mcp_servers.n.env]\nA = "b"\n',
    ];
    for (let round = 0; round < 1_000; round += 1) {
      const kept = parts.filter(() => pick([true, false]));
      const at = pick([0, 1, 2, 3]);
      const lines = [...kept.slice(0, at), pick(owns), ...kept.slice(at)].join('');
      const text = lines.replaceAll('\n', pick(['\n', '\r\n']));
      const before = toml(text);
      const { n, ...others } = before['mcp_servers'] ?? {};
      const changed = openToml(text, 'mcp_servers', 'f').edit(set).text;
      const wanted = { ...before, mcp_servers: { ...others, n: { ...(n as object | undefined), ...entry } } };
      expect(toml(changed), changed).toEqual(wanted);
      const removed = openToml(changed, 'mcp_servers', 'f').edit(remove).text;
      expect({ mcp_servers: {}, ...toml(removed) }, removed).toEqual({ ...before, mcp_servers: others });
    }
  });
});
