import { describe, expect, it } from 'vitest';
import {
  choice,
  InvalidValue,
  listOption,
  parseCommandLine,
  port,
  switchOption,
  text,
  UsageError,
  valueOption,
} from '../src/index.ts';

const table = {
  name: valueOption({ flag: 'name', placeholder: 'NAME', help: 'A name', parse: text, fallback: undefined }),
  port: valueOption({
    flag: 'port',
    env: 'TOOL_PORT',
    placeholder: 'PORT',
    help: 'A port',
    parse: (raw) => port(raw),
    fallback: 3334,
  }),
  key: valueOption({
    flag: 'api-key',
    env: 'TOOL_KEY',
    placeholder: 'KEY',
    secret: true,
    help: 'A key',
    parse: parseKey,
    fallback: undefined,
  }),
  headers: listOption({ flag: 'header', placeholder: 'H', secret: true, help: 'A header', parse: text }),
  debug: switchOption({ flag: 'debug', env: 'TOOL_DEBUG', help: 'Tell more' }),
} as const;

function parseKey(raw: string): string {
  if (raw.length < 3) throw new InvalidValue('it is too short');
  return raw;
}

function parse(argv: string[], env: Record<string, string> = {}, files: Record<string, string> = {}) {
  return parseCommandLine(table, {
    program: 'tool',
    argv,
    env,
    readTextFile: (path) => {
      const content = files[path];
      if (content === undefined) throw new Error('ENOENT: no such file');
      return content;
    },
  });
}

/** The error that a command line ends in. */
function refusal(argv: string[], env: Record<string, string> = {}): UsageError {
  try {
    parse(argv, env);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`${argv.join(' ')} is accepted`);
}

describe('a command line', () => {
  it('takes flags first, then the environment, then the defaults', () => {
    expect(parse(['--port', '1'], { TOOL_PORT: '2' }).values.port).toBe(1);
    expect(parse([], { TOOL_PORT: '2' }).values.port).toBe(2);
    expect(parse([], { TOOL_PORT: '' }).values.port).toBe(3334);
    expect(parse([]).values.port).toBe(3334);
  });

  it('takes values after a space and after =, and the last of several', () => {
    expect(parse(['--name', 'a b']).values.name).toBe('a b');
    expect(parse(['--name=a=b']).values.name).toBe('a=b');
    expect(parse(['--name=a', '--name', 'b']).values.name).toBe('b');
  });

  it('collects a repeated list in order, and has an empty one without the flag', () => {
    expect(parse(['--header', 'a: 1', '--header=b: 2']).values.headers).toEqual(['a: 1', 'b: 2']);
    expect(parse([]).values.headers).toEqual([]);
  });

  it('gives what stands without a flag in order, and everything after --', () => {
    expect(parse(['login', '--debug', 'https://a.example', '--', '--name']).positionals).toEqual([
      'login',
      'https://a.example',
      '--name',
    ]);
  });

  it('reads switches from the flag and from words in the environment', () => {
    expect(parse(['--debug']).values.debug).toBe(true);
    expect(parse([]).values.debug).toBe(false);
    for (const word of ['1', 'true', 'YES', 'on']) {
      expect(parse([], { TOOL_DEBUG: word }).values.debug).toBe(true);
    }
    for (const word of ['0', 'false', 'No', 'off', '']) {
      expect(parse([], { TOOL_DEBUG: word }).values.debug).toBe(false);
    }
    expect(refusal([], { TOOL_DEBUG: 'perhaps' }).message).toBe(
      'The environment variable TOOL_DEBUG cannot be used ("perhaps"): it is one of 1, true, yes, on, 0, false, no, off.',
    );
  });
});

describe('a mistake on a command line', () => {
  it('is a usage error: exit code 2, code usage', () => {
    expect(refusal(['--nothing'])).toMatchObject({ code: 'usage', exitCode: 2 });
  });

  it('names the nearest flag', () => {
    expect(refusal(['--nmae', 'x'])).toMatchObject({
      message: 'There is no flag --nmae.',
      remedy: 'Did you mean --name? `tool --help` lists all flags.',
    });
    expect(refusal(['--api_key', 'x']).remedy).toContain('--api-key');
    expect(refusal(['--hlep']).remedy).toContain('--help');
  });

  it('names no flag when none is near', () => {
    expect(refusal(['--zebra']).remedy).toBe('`tool --help` lists all flags.');
    expect(refusal(['-x']).message).toBe('There is no flag -x.');
    expect(refusal(['--__proto__']).message).toBe('There is no flag --__proto__.');
  });

  it('does not show the value of an unknown flag, which may be secret', () => {
    const { message, remedy } = refusal(['--api-kye=hunter2']);
    expect(message + remedy).not.toContain('hunter2');
  });

  it('tells a missing value, also when the next word is a flag', () => {
    expect(refusal(['--name'])).toMatchObject({
      message: '--name needs a value.',
      remedy: 'Write --name NAME. `tool --help` explains it.',
    });
    expect(refusal(['--name', '--debug'])).toMatchObject({
      message: '--name needs a value.',
      remedy:
        'Write --name NAME (a value that begins with a dash: --name=--debug). `tool --help` explains it.',
    });
    expect(parse(['--name=--debug']).values).toMatchObject({ name: '--debug', debug: false });
  });

  it('tells a value where none belongs', () => {
    expect(refusal(['--debug=yes']).message).toBe('--debug takes no value.');
  });

  it('tells a bad value, and whether the flag or the environment has it', () => {
    expect(refusal(['--port', '70000']).message).toBe(
      '--port cannot be used ("70000"): a port is a whole number from 1 to 65535.',
    );
    expect(refusal([], { TOOL_PORT: 'x' }).message).toBe(
      'The environment variable TOOL_PORT cannot be used ("x"): a port is a whole number from 1 to 65535.',
    );
  });

  it('never shows a bad value that may be secret', () => {
    const error = refusal(['--api-key', 'q7']);
    expect(error.message).toBe('--api-key cannot be used: it is too short.');
    expect(error.remedy).not.toContain('q7');
  });

  it('does not count beside --help or --version', () => {
    expect(parse(['--port', 'x', '--nothing', '--help'])).toMatchObject({ help: true, version: false });
    expect(parse(['-v', '--name'])).toMatchObject({ help: false, version: true });
    expect(parse(['-h'], { TOOL_PORT: 'x' }).values.port).toBe(3334);
  });

  it('leaves an error that is not about the value alone', () => {
    const fault = new TypeError('a fault in the program');
    const broken = {
      word: valueOption({
        flag: 'word',
        placeholder: 'W',
        help: '',
        fallback: '',
        parse: (): string => {
          throw fault;
        },
      }),
    };
    expect(() => parseCommandLine(broken, { program: 'tool', argv: ['--word', 'x'], env: {} })).toThrow(
      fault,
    );
  });
});

describe('a value that may be secret', () => {
  it('comes from a file with @, without its last line feed', () => {
    expect(parse(['--api-key', '@key.txt'], {}, { 'key.txt': 'abc\n' }).values.key).toBe('abc');
    expect(parse([], { TOOL_KEY: '@key.txt' }, { 'key.txt': 'abc\r\n' }).values.key).toBe('abc');
  });

  it('comes from the environment with ${NAME}, anywhere in it', () => {
    expect(parse(['--header', 'Authorization: Bearer ${T}'], { T: 't1' }).values.headers).toEqual([
      'Authorization: Bearer t1',
    ]);
  });

  it('is a usage error when the file or the variable is missing', () => {
    expect(refusal(['--api-key', '@none.txt']).message).toBe(
      '--api-key cannot be used: the file none.txt cannot be read (ENOENT: no such file).',
    );
    expect(refusal(['--api-key', '${NONE}']).message).toBe(
      '--api-key cannot be used: the environment variable NONE is not set.',
    );
  });

  it('is expanded for options marked secret only', () => {
    expect(parse(['--name', '@${HOME}'], { HOME: '/h' }).values.name).toBe('@${HOME}');
  });
});

describe('a word of a fixed set', () => {
  it('is returned, and another is refused with the set', () => {
    const color = choice(['red', 'green']);
    expect(color('red')).toBe('red');
    expect(() => color('blue')).toThrow('it is one of red, green');
  });
});
