import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig, type ProxyConfig } from '../src/config.ts';
import { everythingIn, refusalOf } from './support/failure.ts';

const server = 'https://mcp.example.com/mcp';
const client = '{"client_id":"abc","scope":"openid get_name"}';
const secret = 'hunter2-hunter2';

function configOf(
  argv: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): ProxyConfig {
  const invocation = loadConfig(argv, env, (name) => {
    const content = files[name];
    if (content === undefined) throw new Error('ENOENT: no such file');
    return content;
  });
  if (invocation.show !== 'nothing') throw new Error(`it shows the ${invocation.show}`);
  return invocation.config;
}

const refusal = (...given: Parameters<typeof configOf>) => refusalOf(() => configOf(...given));

describe('the command line', () => {
  it('takes the server alone, with port 3334 and the other defaults', () => {
    expect(configOf([server])).toMatchObject({
      command: 'connect',
      server: new URL(server),
      callbackPort: 3334,
      client: undefined,
      allowHttp: false,
      headers: [],
      host: 'localhost',
      signInTimeout: 300_000,
      tokenStore: 'auto',
      debug: false,
    });
  });

  it('is frozen', () => {
    expect(Object.isFrozen(configOf([server]))).toBe(true);
  });

  it.each([
    [[server, '4000', '--debug']],
    [['4000', server, '--debug']],
    [['--debug', server, '4000']],
    [['4000', '--debug', server]],
  ])('takes server and port in any order: %j', (argv) => {
    expect(configOf(argv)).toMatchObject({ server: new URL(server), callbackPort: 4000, debug: true });
  });

  it.each(['login', 'logout', 'status'])('takes the command %s before the server', (command) => {
    expect(configOf([command, server, '4000'])).toMatchObject({ command, callbackPort: 4000 });
  });

  it('takes status without a server, and no other command', async () => {
    expect(configOf(['status']).server).toBeUndefined();
    for (const argv of [[], ['login'], ['logout'], ['4000']]) {
      expect((await refusal(argv)).message).toBe('The URL of the MCP server is missing.');
    }
  });

  it('shows help and version, whatever else is wrong', () => {
    expect(loadConfig(['--help', '--nonsense'], {})).toEqual({ show: 'help' });
    expect(loadConfig(['-v'], {})).toEqual({ show: 'version' });
  });

  it.each([
    ['a second URL', [server, 'https://other.example.com'], 'one too many'],
    ['a second port', [server, '4000', '4001'], 'one too many'],
    ['port 0', [server, '0'], 'a whole number from 1 to 65535'],
    ['port 65536', [server, '65536'], 'a whole number from 1 to 65535'],
    ['a URL without scheme', ['mcp.example.com/mcp'], 'it is a full URL'],
    ['a URL of another scheme', ['file:///etc/passwd'], 'it is a full URL'],
    ['a URL with a fragment', [`${server}#part`], 'fragment'],
    ['a deadline of 0', [server, '--auth-timeout', '0'], 'positive number of seconds'],
    ['an unknown store', [server, '--token-store', 'disk'], 'one of auto, keychain, file, memory'],
    ['a host with a port', [server, '--host', 'localhost:3334'], 'without a port'],
    ['a host that no URL can have', [server, '--host', '1.2.3.4.5'], 'host name or address'],
    ['an IPv6 address that is none', [server, '--host', '[::::]'], 'host name or address'],
  ])('refuses %s, with exit code 2', async (_what, argv, words) => {
    const { text, exitCode, code } = await refusal(argv);
    expect(text).toContain(words);
    expect({ exitCode, code }).toEqual({ exitCode: 2, code: 'usage' });
  });

  it('names the flag that a mistyped one is near to', async () => {
    const { message, remedy, exitCode } = await refusal([server, '--alow-http']);
    expect(message).toBe('There is no flag --alow-http.');
    expect(remedy).toContain('Did you mean --allow-http?');
    expect(exitCode).toBe(2);
  });

  it('refuses a URL with a password in it and does not repeat the password', async () => {
    const error = await refusal([`https://user:${secret}@mcp.example.com/mcp`]);
    expect(error.text).toContain('leak');
    expect(everythingIn(error)).not.toContain(secret);
  });

  it('takes --auth-timeout in seconds, the host in lower case, and the store from the environment', () => {
    const { signInTimeout, host, tokenStore } = configOf(
      [server, '--auth-timeout', '1.5', '--host', 'LocalHost'],
      { MCP_KEYHOLE_TOKEN_STORE: 'memory' },
    );
    expect({ signInTimeout, host, tokenStore }).toEqual({
      signInTimeout: 1_500,
      host: 'localhost',
      tokenStore: 'memory',
    });
  });
});

describe('http', () => {
  it.each(['http://localhost:8000/mcp', 'http://127.0.0.1:8000/mcp', 'http://[::1]:8000/mcp'])(
    'is fine for this machine: %s',
    (url) => {
      expect(configOf([url]).server?.href).toBe(url);
    },
  );

  it('is refused for another machine, with --allow-http as the way out', async () => {
    const { message, remedy } = await refusal(['http://mcp.example.com/mcp']);
    expect(message).toContain('http://mcp.example.com is not this machine');
    expect(remedy).toContain('--allow-http');
  });

  it.each(['http://127.0.0.1.example.com/mcp', 'http://localhost.example.com/mcp'])(
    'is refused for a name that only looks like this machine: %s',
    async (url) => {
      expect((await refusal([url])).message).toContain('is not this machine');
    },
  );

  it('is taken for another machine with --allow-http', () => {
    expect(configOf(['http://mcp.example.com/mcp', '--allow-http']).server?.protocol).toBe('http:');
  });
});

describe('--client-id', () => {
  const given = [server, '--client-id', 'abc'];

  it('is the client without any quote or space in an argument', () => {
    expect(configOf([...given, '--scope', 'openid', '--scope', 'get_name']).client).toEqual({
      clientId: 'abc',
      scope: 'openid get_name',
    });
    expect(configOf(given).client).toEqual({ clientId: 'abc' });
  });

  it('takes the secret from the environment, a file, or by the name of a kept one', () => {
    expect(configOf(given, { MCP_KEYHOLE_CLIENT_SECRET: secret }).client?.clientSecret).toBe(secret);
    expect(
      configOf([...given, '--client-secret', '@/s'], {}, { '/s': `${secret}\n` }).client?.clientSecret,
    ).toBe(secret);
    expect(configOf([...given, '--client-secret', 'keychain:work']).client).toEqual({
      clientId: 'abc',
      secretName: 'work',
    });
  });

  it('does without when only the environment has a secret, which is for another server then', () => {
    expect(configOf([server], { MCP_KEYHOLE_CLIENT_SECRET: secret }).client).toBeUndefined();
  });

  it.each([
    ['a second client', [...given, '--static-oauth-client-info', client], 'given twice'],
    ['a scope without it', [server, '--scope', 'openid'], '--scope needs --client-id'],
    ['an empty id', [server, '--client-id', ''], '--client-id'],
    ['a scope that RFC 6749 has not', [...given, '--scope', 'a"b'], '--scope'],
    ['a secret of several lines', [...given, '--client-secret', `${secret}\n2`], '--client-secret'],
    ['a name that no secret can have', [...given, '--client-secret', 'keychain:a b'], 'name'],
  ])('refuses %s, and never quotes a secret', async (_what, argv, words) => {
    const error = await refusal(argv);
    expect(error.message).toContain(words);
    expect(error.exitCode).toBe(2);
    expect(everythingIn(error)).not.toContain(secret);
  });
});

describe('--static-oauth-client-info', () => {
  const flag = '--static-oauth-client-info';

  it('takes JSON', () => {
    expect(configOf([server, flag, client]).client).toEqual({
      clientId: 'abc',
      clientSecret: undefined,
      scope: 'openid get_name',
    });
  });

  it('takes @file', () => {
    expect(configOf([server, flag, '@/c.json'], {}, { '/c.json': `${client}\n` }).client?.clientId).toBe(
      'abc',
    );
  });

  it('takes ${ENV} for the whole and for a part', () => {
    expect(configOf([server, flag, '${INFO}'], { INFO: client }).client?.clientId).toBe('abc');
    const part = '{"client_id":"abc","client_secret":"${SECRET}"}';
    expect(configOf([server, flag, part], { SECRET: secret }).client?.clientSecret).toBe(secret);
  });

  it('counts empty and null fields as absent', () => {
    const given = '{"client_id":"abc","client_secret":"","scope":null}';
    expect(configOf([server, flag, given]).client).toEqual({
      clientId: 'abc',
      clientSecret: undefined,
      scope: undefined,
    });
  });

  it.each([
    ['JSON whose quotes a host has stripped', `{client_id:abc,client_secret:${secret}}`, 'use @file'],
    ['JSON that ends early', `{"client_secret":"${secret}`, 'not valid JSON'],
    ['a list', `["${secret}"]`, 'not a JSON object'],
    ['a text', `"${secret}"`, 'not a JSON object'],
    ['null', 'null', 'not a JSON object'],
    ['no client_id', `{"client_secret":"${secret}"}`, 'client_id is missing'],
    ['an empty client_id', `{"client_id":"","client_secret":"${secret}"}`, 'client_id is missing'],
    ['a client_id that is a number', '{"client_id":7}', 'client_id is not a text'],
    ['a secret that is an object', `{"client_id":"a","client_secret":{"a":"${secret}"}}`, 'is not a text'],
  ])('refuses %s and never quotes the secret', async (_what, given, words) => {
    for (const [argv, env, files] of [
      [[server, flag, given], {}, {}],
      [[server, flag, '${INFO}'], { INFO: given }, {}],
      [[server, flag, '@/c.json'], {}, { '/c.json': given }],
    ] as const) {
      const error = await refusal(argv, env, files);
      expect(error.message).toContain(words);
      expect(error.exitCode).toBe(2);
      expect(everythingIn(error)).not.toContain(secret);
    }
  });

  it('says which file cannot be read and which variable is not set', async () => {
    expect((await refusal([server, flag, '@/none.json'])).message).toContain(
      'the file /none.json cannot be read',
    );
    expect((await refusal([server, flag, '${NONE}'])).message).toContain(
      'environment variable NONE is not set',
    );
  });
});

describe('--header', () => {
  it.each([
    ['X-Key: abc', ['X-Key', 'abc']],
    ['X-Key:abc', ['X-Key', 'abc']],
    ['Authorization: Bearer a:b', ['Authorization', 'Bearer a:b']],
    ['X-Empty:', ['X-Empty', '']],
  ])('takes %j', (given, header) => {
    expect(configOf([server, '--header', given]).headers).toEqual([header]);
  });

  it('may be repeated, in order', () => {
    expect(configOf([server, '--header', 'A: 1', '--header', 'B: 2']).headers).toEqual([
      ['A', '1'],
      ['B', '2'],
    ]);
  });

  it('takes ${ENV} in the value', () => {
    expect(configOf([server, '--header', 'X-Key:${KEY}'], { KEY: secret }).headers).toEqual([
      ['X-Key', secret],
    ]);
  });

  it.each([
    ['CR and LF in the value', `X-Key: ${secret}\r\nX-Other: 1`],
    ['LF in the value', `X-Key: ${secret}\nX-Other: 1`],
    ['NUL in the value', `X-Key: ${secret}\0`],
    ['a letter outside Latin-1', `X-Key: ${secret}ł`],
    ['CR and LF in the name', `X-Key\r\nX-Other: ${secret}`],
    ['no colon', secret],
    ['no name', `: ${secret}`],
    ['a space in the name', `X Key: ${secret}`],
  ])('refuses %s and does not quote the value', async (_what, given) => {
    const error = await refusal([server, '--header', '${HEADER}'], { HEADER: given });
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain('--header cannot be used');
    expect(everythingIn(error)).not.toContain(secret);
  });
});

describe('the state folder', () => {
  const { platform } = process;
  afterEach(() => {
    Object.defineProperty(process, 'platform', { value: platform });
  });

  const folderOn = (system: NodeJS.Platform, env: Record<string, string>): string => {
    Object.defineProperty(process, 'platform', { value: system });
    return configOf([server], env).stateFolder;
  };

  it('is MCP_KEYHOLE_DIR wherever that is set, as an absolute path', () => {
    for (const system of ['linux', 'darwin', 'win32'] as const) {
      expect(folderOn(system, { MCP_KEYHOLE_DIR: 'state', HOME: '/h' })).toBe(path.resolve('state'));
    }
  });

  it('is in the usual place of the platform otherwise', () => {
    const env = { HOME: '/h', LOCALAPPDATA: '/h/AppData/Local' };
    expect(folderOn('linux', env)).toBe(path.join('/h', '.local', 'state', 'mcp-keyhole'));
    expect(folderOn('linux', { ...env, XDG_STATE_HOME: '/x' })).toBe(path.join('/x', 'mcp-keyhole'));
    expect(folderOn('darwin', env)).toBe(path.join('/h', 'Library', 'Application Support', 'mcp-keyhole'));
    expect(folderOn('win32', env)).toBe(path.join('/h/AppData/Local', 'mcp-keyhole'));
  });

  it('counts empty variables as not set', () => {
    expect(folderOn('linux', { HOME: '/h', MCP_KEYHOLE_DIR: '', XDG_STATE_HOME: '' })).toBe(
      path.join('/h', '.local', 'state', 'mcp-keyhole'),
    );
  });
});
