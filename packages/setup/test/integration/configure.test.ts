import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseJsonc, type ParseError } from 'jsonc-parser';
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';
import { describe, expect, it } from 'vitest';
import type { SetupError } from '../../src/errors.ts';
import { hosts } from '../../src/hosts/host-list.ts';
import type { Host } from '../../src/hosts/host.ts';
import { hostScene, installed } from '../support/host-scene.ts';

const url = 'https://mcp.example.com/mcp';
const line = (id: string): string[] => [id, url, '--client-id', 'abc', '--name', 'notes'];
const entry = { command: 'npx', args: ['-y', 'mcp-keyhole', url, '--client-id', 'abc'] };

/** What files begin with; a text is for every host that reads it. */
function startingFiles({ language, container }: Host): Record<string, string | undefined> {
  const lines =
    language === 'toml'
      ? [
          '# mine',
          'model = "o4"   # aligned',
          '',
          `[${container}.other]`,
          "command = 'x'",
          'args = [ "a" , \'b\', ] # keep',
          '',
          `[${container}.other.env]`,
          'K = "v"',
          '# the end',
        ]
      : [
          '{',
          '    "theme" :  "dark",',
          `    "${container}": {`,
          '        "other": { "command":"x" }',
          '    }',
          '}',
        ];
  const text = `${lines.join('\n')}\n`;
  const common = {
    'no file': undefined,
    'an empty file': '',
    'another server': text,
    'another server, no line feed at the end': text.trimEnd(),
    'another server, CRLF': text.replaceAll('\n', '\r\n'),
    'another server, a byte order mark': `\uFEFF${text}`,
  };
  if (language === 'toml') return common;
  const json = {
    ...common,
    '{}': '{}',
    '{ } over two lines': '{\n}\n',
    'all in one line': `{"${container}":{"other":{"command":"x"}},"a":[1,2]}`,
    'an empty list of servers, tabs': `{\n\t"${container}": {}\n}\n`,
    'another setting': '{\n  "a": true\n}\n',
  };
  if (!language.comments) return json;
  const comments = `// top\n{\n  // before\n  "${container}": {\n    "other": { "command": "x" } // mine\n    /* last */\n  } // after\n}\n// end\n`;
  const withComments = { ...json, comments, 'nothing but a comment': '// top\n' };
  if (!language.trailingCommas) return withComments;
  const commas = `{\n  "${container}": {\n    "other": { "command": "x", }, // mine\n  },\n}\n`;
  return { ...withComments, 'trailing commas': commas };
}

const table = hosts.flatMap((host) =>
  Object.entries(startingFiles(host)).map(([what, text]) => ({ id: host.id, what, text, host })),
);

/** The servers as a host reads them, with a parser as strict as the host's. */
function serversIn({ language, container }: Host, file: string): Record<string, unknown> {
  const text = readFileSync(file, 'utf8').replace(/^\uFEFF/u, '');
  const errors: ParseError[] = [];
  const value: unknown =
    language === 'toml'
      ? getStaticTOMLValue(parseTOML(text))
      : language.comments
        ? parseJsonc(text, errors, { allowTrailingComma: language.trailingCommas })
        : JSON.parse(text);
  expect(errors, text).toEqual([]);
  return (value as Record<string, Record<string, unknown>>)[container] ?? {};
}

/** Whether one text can be made from another by leaving characters out. */
function isWithin(part: string, whole: string): boolean {
  let from = 0;
  return Array.from(part).every((character) => {
    const place = whole.indexOf(character, from);
    from = place + 1;
    return place >= 0;
  });
}

const errorOf = (work: Promise<unknown>): Promise<SetupError> =>
  work.then(
    () => {
      throw new Error('nothing was thrown');
    },
    (error: unknown) => error as SetupError,
  );

describe('configure', () => {
  it.each(table)(
    '$id, $what: adds one entry, finds it again, undoes byte for byte',
    async ({ id, text, host }) => {
      const scene = hostScene();
      const { file } = installed(scene, id, text);
      const before = scene.files();
      const first = await scene.run([...line(id), '--yes']);
      expect(first).toMatchObject({ host: id, file, name: 'notes', change: 'added' });
      expect(serversIn(host, file)['notes']).toEqual({ ...host.always, ...entry, ...host.atFirst });
      if (text?.includes('other') === true) expect(serversIn(host, file)['other']).toBeDefined();
      const after = readFileSync(file, 'utf8');
      // Nothing was taken away and nothing moved: the old bytes are all there, in their order.
      expect(isWithin(text ?? '', after), after).toBe(true);
      if (text?.includes('\r\n') === true) expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/u);
      expect(after.startsWith('\uFEFF')).toBe(text?.startsWith('\uFEFF') === true);
      expect(await scene.run([...line(id), '--yes'])).toMatchObject({ change: 'unchanged', backup: null });
      expect(readFileSync(file, 'utf8')).toBe(after);
      await scene.run([id, '--undo']);
      expect(scene.files()).toEqual(before);
      expect((await errorOf(scene.run([id, '--undo']))).code).toBe('nothing-to-undo');
    },
  );

  it.each(table.filter(({ text, what }) => text !== undefined && /another server|comm/u.test(what)))(
    '$id, $what: takes out what it added, and the file is as before',
    async ({ id, text }) => {
      const scene = hostScene();
      const { file } = installed(scene, id, text);
      const before = readFileSync(file, 'latin1');
      await scene.run([...line(id), '--yes']);
      expect(await scene.run([id, '--remove', '--yes'])).toMatchObject({ change: 'removed', name: 'notes' });
      const after = readFileSync(file, 'latin1');
      if (text?.endsWith('\n') === true && text.includes('other')) expect(after).toBe(before);
      else expect(after).not.toContain('notes');
    },
  );

  it.each(hosts)('$id: changes its own entry in place, and keeps what the user put into it', async (host) => {
    const scene = hostScene();
    const { file } = installed(scene, host.id);
    await scene.run([...line(host.id), '--yes']);
    const own =
      host.language === 'toml'
        ? readFileSync(file, 'utf8').replace('startup_timeout_sec = 60', 'startup_timeout_sec = 7 # slow')
        : readFileSync(file, 'utf8').replace('"command": "npx"', '"disabled": true, "command": "npx"');
    writeFileSync(file, own);
    const changed = await scene.run([...line(host.id), '--port', '4000', '--yes']);
    expect(changed.change).toBe('changed');
    const { notes } = serversIn(host, file);
    expect(notes).toMatchObject({ ...entry, args: ['-y', 'mcp-keyhole', url, '4000', '--client-id', 'abc'] });
    expect(notes).toMatchObject(host.language === 'toml' ? { startup_timeout_sec: 7 } : { disabled: true });
    if (host.language === 'toml') expect(readFileSync(file, 'utf8')).toContain('# slow');
    await scene.run([host.id, '--undo']);
    expect(readFileSync(file, 'utf8')).toBe(own);
  });

  it.each([
    ['claude-desktop', '{\n  "a": 1,\n}', 'line 3, column 1'],
    ['claude-desktop', '{\n  // no\n  "a": 1\n}', 'line 2, column 3'],
    ['gemini-cli', '{\n  // yes\n  "a": 1,\n}', 'line 4, column 1'],
    ['vscode', '{\r\n  "servers": {\r\n    "a": }\r\n}', 'line 3, column 10'],
    ['cursor', '{ "mcpServers": { ', 'line 1'],
    ['zed', '[]', 'line 1, column 1'],
    ['windsurf', '{ "mcpServers": [] }', 'line 1, column 17'],
    ['lm-studio', '{ "mcpServers": {}, "mcpServers": {} }', 'line 1, column 21'],
    ['claude-code', '{ "mcpServers": null }', 'line 1, column 17'],
    ['codex', 'a = 1\nb 2\n', 'line 2, column 3'],
    ['codex', 'mcp_servers = 3\n', 'line 1'],
    ['codex', 'mcp_servers = { a = { command = "x" } }\n', 'line'],
  ])('%s: refuses %j untouched, with its place', async (id, text, place) => {
    const scene = hostScene();
    installed(scene, id, text);
    const before = scene.files();
    const { code, message } = await errorOf(scene.run([...line(id), '--yes']));
    expect(code).toMatch(/^configuration-(?:malformed|shape)$/u);
    expect(message).toContain(place);
    expect(scene.files()).toEqual(before);
  });

  it('refuses what is not UTF-8, untouched', async () => {
    const scene = hostScene();
    const { file } = installed(scene, 'cursor');
    writeFileSync(file, Buffer.from('\uFEFF{}', 'utf16le'));
    expect((await errorOf(scene.run([...line('cursor'), '--yes']))).code).toBe('configuration-unreadable');
    expect(readFileSync(file)).toEqual(Buffer.from('\uFEFF{}', 'utf16le'));
  });

  it.each([
    ['cursor', '{ "mcpServers": { "notes": { "command": "mine", "env": { "K": "v" } } } }'],
    ['codex', '[mcp_servers.notes]\ncommand = "mine"\n\n[mcp_servers.notes.env]\nK = "v"\n'],
  ])('%s: leaves an entry that starts something else, unless it is told', async (id, text) => {
    const scene = hostScene();
    const { host, file } = installed(scene, id, text);
    expect((await errorOf(scene.run([...line(id), '--yes']))).code).toBe('entry-foreign');
    expect((await errorOf(scene.run([id, '--remove', '--name', 'notes', '--yes']))).code).toBe(
      'entry-foreign',
    );
    expect(readFileSync(file, 'utf8')).toBe(text);
    await scene.run([...line(id), '--replace', '--yes']);
    expect(serversIn(host, file)['notes']).toEqual({ ...host.always, ...entry, ...host.atFirst });
  });

  // Windows has no modes, and makes links only for administrators.
  it.skipIf(process.platform === 'win32')(
    'keeps the mode of a file, follows links, and makes new files for the user alone',
    async () => {
      const scene = hostScene();
      const { file } = installed(scene, 'cursor');
      const real = path.join(scene.home, 'dotfiles.json');
      writeFileSync(real, '{}');
      chmodSync(real, 0o640);
      symlinkSync(real, file);
      await scene.run([...line('cursor'), '--yes']);
      expect(lstatSync(file).isSymbolicLink()).toBe(true);
      expect(statSync(real).mode & 0o777).toBe(0o640);
      expect(readFileSync(real, 'utf8')).toContain('notes');
      await scene.run(['cursor', '--undo']);
      expect(readFileSync(real, 'utf8')).toBe('{}');
      const { file: fresh } = installed(scene, 'windsurf');
      await scene.run([...line('windsurf'), '--yes']);
      expect(statSync(fresh).mode & 0o777).toBe(0o600);
    },
  );

  it('writes a file of the project, and takes the folders away again', async () => {
    const scene = hostScene();
    mkdirSync(path.join(scene.home, 'project'));
    const { file } = await scene.run([...line('vscode'), '--scope', 'project', '--yes']);
    expect(file).toBe(path.join(scene.home, 'project', '.vscode', 'mcp.json'));
    await scene.run(['vscode', '--scope', 'project', '--undo']);
    expect(scene.files()).toEqual({});
    const { code, exitCode } = await errorOf(scene.run([...line('windsurf'), '--scope', 'project', '--yes']));
    expect([code, exitCode]).toEqual(['scope-unsupported', 2]);
  });

  it('loses nothing when eight write at once', async () => {
    const scene = hostScene();
    const { host, file } = installed(scene, 'claude-code', '{\n  "mcpServers": { "other": {} }\n}\n');
    const names = Array.from({ length: 8 }, (_, index) => `notes-${String(index)}`);
    await Promise.all(names.map((name) => scene.run(['claude-code', url, '--name', name, '--yes'])));
    expect(Object.keys(serversIn(host, file)).sort()).toEqual([...names, 'other']);
  });
});

describe('before it writes, configure', () => {
  it('shows the change, with what looks secret hidden', async () => {
    const scene = hostScene();
    const text = '{\n  "mcpServers": {\n    "o": { "env": { "API_KEY": "sk-very-secret" } }\n  }\n}\n';
    installed(scene, 'cursor', text);
    await scene.run([...line('cursor'), '--yes']);
    expect(scene.shown()).toContain('+    "notes": {');
    expect(scene.shown()).toContain('"API_KEY": "…"');
    expect(scene.shown()).not.toContain('sk-very-secret');
  });

  it('asks, and writes nothing for a no or where nobody can be asked', async () => {
    const scene = hostScene();
    installed(scene, 'cursor', '{}');
    const before = scene.files();
    const declined = await errorOf(scene.run(line('cursor'), () => Promise.resolve(false)));
    expect(declined.code).toBe('cancelled');
    expect((await errorOf(scene.run(line('cursor')))).code).toBe('confirmation-missing');
    expect((await scene.run([...line('cursor'), '--dry-run'])).change).toBe('none');
    expect(scene.files()).toEqual(before);
    expect((await scene.run(line('cursor'), () => Promise.resolve(true))).change).toBe('added');
  });

  it('notices that the file has changed meanwhile, and shows and asks again', async () => {
    const scene = hostScene();
    const { host, file } = installed(scene, 'cursor', '{}');
    let asked = 0;
    await scene.run(line('cursor'), () => {
      asked += 1;
      if (asked === 1) writeFileSync(file, '{ "mcpServers": { "late": {} } }');
      return Promise.resolve(true);
    });
    expect(asked).toBe(2);
    expect(scene.shown()).toContain('has changed meanwhile');
    expect(Object.keys(serversIn(host, file))).toEqual(['late', 'notes']);
  });

  it('gives up on a file that never rests', async () => {
    const scene = hostScene();
    const { file } = installed(scene, 'cursor', '{}');
    let asked = 0;
    const restless = scene.run(line('cursor'), () => {
      asked += 1;
      writeFileSync(file, `{ "n": ${String(asked)} }`);
      return Promise.resolve(true);
    });
    expect((await errorOf(restless)).code).toBe('configuration-busy');
    expect(readFileSync(file, 'utf8')).toBe('{ "n": 20 }');
  });

  it('says where a host would read that is not installed, and goes on only when told', async () => {
    const scene = hostScene();
    const file = path.join(scene.home, '.codeium', 'windsurf', 'mcp_config.json');
    const error = await errorOf(scene.run([...line('windsurf'), '--yes']));
    expect(error.code).toBe('host-absent');
    expect(error.message).toContain(file);
    const declined = await errorOf(scene.run(line('windsurf'), () => Promise.resolve(false)));
    expect(declined.code).toBe('cancelled');
    expect(scene.files()).toEqual({});
    expect((await scene.run([...line('windsurf'), '--create', '--yes'])).change).toBe('added');
    await scene.run(['windsurf', '--undo']);
    expect(scene.files()).toEqual({});
  });
});

describe('--undo', () => {
  it('does not take away what somebody else has written since', async () => {
    const scene = hostScene();
    const { file } = installed(scene, 'cursor', '{}');
    const { backup } = await scene.run([...line('cursor'), '--yes']);
    const now = readFileSync(file, 'utf8').replace('{', '{ "later": 1,');
    writeFileSync(file, now);
    const error = await errorOf(scene.run(['cursor', '--undo']));
    expect(error.code).toBe('changed-since');
    expect(error.remedy).toContain(backup);
    expect(readFileSync(file, 'utf8')).toBe(now);
  });

  it('goes back one write at a time', async () => {
    const scene = hostScene();
    const { file } = installed(scene, 'cursor', '{}');
    await scene.run([...line('cursor'), '--yes']);
    const one = readFileSync(file, 'utf8');
    await scene.run([...line('cursor'), '--port', '4000', '--yes']);
    await scene.run(['cursor', '--undo']);
    expect(readFileSync(file, 'utf8')).toBe(one);
    await scene.run(['cursor', '--undo']);
    expect(readFileSync(file, 'utf8')).toBe('{}');
  });
});
