import { describe, expect, it } from 'vitest';
import { loadConfig, type ProxyConfig } from '../src/config.ts';
import type { options } from '../src/options.ts';
import { everythingIn, refusalOf } from './support/failure.ts';

const server = 'https://mcp.example.com/mcp';
const secret = 'hunter2-hunter2';

function configOf(
  argv: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): ProxyConfig {
  const invocation = loadConfig([server, ...argv], env, (name) => {
    const content = files[name];
    if (content === undefined) throw new Error('ENOENT: no such file');
    return content;
  });
  if (invocation.show !== 'nothing') throw new Error(`it shows the ${invocation.show}`);
  return invocation.config;
}

const refusal = (...given: Parameters<typeof configOf>) => refusalOf(() => configOf(...given));
const client = '{"client_id":"abc"}';
const metadata = '{"scope":"a b","client_name":"Ours"}';

/** A value that each flag takes, and what the config then has; the types make sure that none of the sign-in is left out. */
const accepted: [flag: string, value: string | undefined, name: keyof typeof options, expected: unknown][] = [
  ['--static-oauth-client-info', client, 'client', { clientId: 'abc' }],
  [
    '--client-metadata-url',
    'https://a.example/c.json',
    'clientMetadataUrl',
    new URL('https://a.example/c.json'),
  ],
  ['--static-oauth-client-metadata', metadata, 'clientMetadata', { scope: 'a b', client_name: 'Ours' }],
  ['--profile', 'me@work.example', 'profile', 'me@work.example'],
  ['--allow-http', undefined, 'allowHttp', true],
  ['--header', 'X-Key: a', 'headers', [['X-Key', 'a']]],
  ['--host', '127.0.0.1', 'host', '127.0.0.1'],
  ['--callback-path', '/a/b', 'callbackPath', '/a/b'],
  ['--callback-path', 'a/b', 'callbackPath', '/a/b'],
  ['--callback-path', '/', 'callbackPath', '/'],
  ['--auth-success-url', 'https://a.example/done?x=1', 'successUrl', new URL('https://a.example/done?x=1')],
  ['--no-browser', undefined, 'noBrowser', true],
  ['--device-code', undefined, 'deviceCode', true],
  ['--client-credentials', undefined, 'clientCredentials', true],
  ['--workload-token', '/run/token', 'workloadToken', { kind: 'file', path: '/run/token' }],
  ['--workload-token', 'env:TOKEN', 'workloadToken', { kind: 'environment', name: 'TOKEN' }],
  ['--workload-token', 'keychain:token-1', 'workloadToken', { kind: 'keychain', name: 'token-1' }],
  ['--client-key-id', 'key-1', 'clientKeyId', 'key-1'],
  [
    '--client-assertion-audience',
    'https://a.example/token',
    'clientAssertionAudience',
    'https://a.example/token',
  ],
  ['--token-endpoint-auth-method', 'client_secret_post', 'clientAuthentication', 'client_secret_post'],
  ['--token-endpoint', 'https://a.example/token', 'tokenEndpoint', new URL('https://a.example/token')],
  ['--resource', 'https://A.example', 'resource', 'https://A.example'],
  ['--resource', 'urn:example:1', 'resource', 'urn:example:1'],
  ['--disable-resource-parameter', undefined, 'withoutResource', true],
  ['--authorize-param', 'login_hint=a=b c', 'authorizeParameters', [['login_hint', 'a=b c']]],
  ['--authorize-param', 'acr_values=', 'authorizeParameters', [['acr_values', '']]],
  ...(['auto', 'always', 'never'] as const).map((when): (typeof accepted)[number] => [
    '--dpop',
    when,
    'dpop',
    when,
  ]),
  ['--use-id-token', undefined, 'useIdToken', true],
  ['--auth-timeout', '30', 'signInTimeout', 30_000],
  ...(['auto', 'keychain', 'file', 'memory'] as const).map((store): (typeof accepted)[number] => [
    '--token-store',
    store,
    'tokenStore',
    store,
  ]),
  ['--json', undefined, 'json', true],
  ['--silent', undefined, 'silent', true],
  ['--debug', undefined, 'debug', true],
];

const refused: [flag: string, value: string, why: string][] = [
  ['--client-metadata-url', 'http://localhost/c.json', 'https URL with a path'],
  ['--client-metadata-url', 'https://a.example', 'https URL with a path'],
  ['--client-metadata-url', 'https://a.example/c.json#x', 'fragment'],
  ['--client-metadata-url', 'https://user:pass@a.example/c.json', 'leak'],
  ['--client-metadata-url', 'c.json', 'full URL'],
  ['--static-oauth-client-metadata', '{scope:a}', 'not valid JSON'],
  ['--static-oauth-client-metadata', '["a"]', 'not a JSON object'],
  ['--static-oauth-client-metadata', 'null', 'not a JSON object'],
  ['--profile', '', 'short name'],
  ['--profile', 'two words', 'short name'],
  ['--profile', '../x', 'short name'],
  ['--profile', 'x'.repeat(65), 'short name'],
  ['--callback-path', '/a?b', 'it is a path'],
  ['--callback-path', '/a#b', 'it is a path'],
  ['--callback-path', '/a b', 'it is a path'],
  ['--callback-path', '/%2e%2e', 'it is a path'],
  ['--auth-success-url', 'javascript:alert(1)', 'full URL'],
  ['--auth-success-url', '/done', 'full URL'],
  ['--token-endpoint', 'token', 'full URL'],
  ['--token-endpoint', 'file:///token', 'full URL'],
  ['--resource', 'mcp', 'absolute URI'],
  ['--resource', 'https://a.example/#x', 'without a fragment'],
  ['--authorize-param', 'login_hint', 'name=value'],
  ['--authorize-param', '=a', 'name=value'],
  ['--authorize-param', 'a b=c', 'name=value'],
  ...[
    'client_id',
    'response_type',
    'redirect_uri',
    'state',
    'scope',
    'resource',
    'code_challenge',
    'code_challenge_method',
    'nonce',
    'response_mode',
    'request',
    'request_uri',
  ].map((name): (typeof refused)[number] => [
    '--authorize-param',
    `${name}=evil`,
    `${name} is set by the sign-in itself`,
  ]),
];

describe('a flag of the sign-in', () => {
  it.each(accepted)('%s takes %j', (flag, value, name, expected) => {
    expect(configOf(value === undefined ? [flag] : [`${flag}=${value}`])[name]).toEqual(expected);
  });

  it.each(refused)('%s refuses %j, with exit code 2', async (flag, value, why) => {
    const { text, exitCode } = await refusal([`${flag}=${value}`]);
    expect(text).toContain(flag);
    expect(text).toContain(why);
    expect(exitCode).toBe(2);
  });

  it('may be given by the environment, and the command line wins', () => {
    const env = {
      MCP_KEYHOLE_PROFILE: 'work',
      MCP_KEYHOLE_NO_BROWSER: '1',
      MCP_KEYHOLE_TOKEN_STORE: 'file',
      MCP_KEYHOLE_DEBUG: 'yes',
    };
    expect(configOf([], env)).toMatchObject({
      profile: 'work',
      noBrowser: true,
      tokenStore: 'file',
      debug: true,
    });
    expect(configOf(['--profile', 'home', '--token-store', 'memory'], env)).toMatchObject({
      profile: 'home',
      tokenStore: 'memory',
    });
  });

  it('is off or at its default when nobody gives it', () => {
    expect(configOf([])).toMatchObject({
      clientMetadataUrl: undefined,
      clientMetadata: undefined,
      profile: 'default',
      callbackPath: '/oauth/callback',
      successUrl: undefined,
      noBrowser: false,
      deviceCode: false,
      clientCredentials: false,
      tokenEndpoint: undefined,
      resource: undefined,
      withoutResource: false,
      authorizeParameters: [],
      useIdToken: false,
      json: false,
      silent: false,
    });
  });

  it('--resource "" leaves the resource out, as --disable-resource-parameter does', () => {
    expect(configOf(['--resource', '']).withoutResource).toBe(true);
    expect(configOf(['--resource', 'urn:a']).withoutResource).toBe(false);
  });

  it('--authorize-param may be repeated, in order', () => {
    expect(configOf(['--authorize-param', 'a=1', '--authorize-param', 'b=2']).authorizeParameters).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
  });

  it('--static-oauth-client-metadata takes @file and ${ENV}, and a refusal quotes neither', async () => {
    const flag = '--static-oauth-client-metadata';
    expect(configOf([flag, '@/m.json'], {}, { '/m.json': metadata }).clientMetadata).toMatchObject({
      scope: 'a b',
    });
    expect(configOf([flag, '${META}'], { META: metadata }).clientMetadata).toMatchObject({ scope: 'a b' });
    const error = await refusal([flag, '${META}'], { META: `{"software_statement":"${secret}` });
    expect(error.message).toContain(flag);
    expect(everythingIn(error)).not.toContain(secret);
  });
});

describe('flags that belong together', () => {
  it.each([
    [['--client-credentials', '--device-code'], '--client-credentials and --device-code'],
    [['--client-credentials', '--workload-token', 'f'], '--client-credentials and --workload-token'],
    [['--identity-provider', 'https://idp.example'], 'needs --identity-provider-client'],
    [['--identity-token', 'f'], 'needs --identity-provider'],
    [['--client-key', 'f'], 'needs --client-id'],
    [['--token-endpoint-auth-method', 'private_key_jwt'], 'needs --client-key'],
    [['--token-endpoint-auth-method', 'tls_client_auth'], 'needs --token-endpoint-cert'],
    [['--use-id-token', '--dpop', 'always'], 'cannot be bound to a key'],
  ])('%j are refused without the other, or with it', async (argv, why) => {
    const { text, exitCode } = await refusal(argv);
    expect(text).toContain(why);
    expect(exitCode).toBe(2);
  });

  it('are taken together', () => {
    const argv = ['--static-oauth-client-info', client, '--client-key', 'f', '--client-credentials'];
    expect(configOf(argv)).toMatchObject({ clientKey: { kind: 'file', path: 'f' }, clientCredentials: true });
  });
});

describe('--header-file', () => {
  const headersIn = (text: string, env: Record<string, string> = {}) =>
    configOf(['--header-file', '/h', '--header', 'Z: last'], env, { '/h': text }).headers;

  it('gives a header a line, before those of --header', () => {
    expect(headersIn('A: 1\r\n\n  # not this\nB:2\n')).toEqual([
      ['A', '1'],
      ['B', '2'],
      ['Z', 'last'],
    ]);
  });

  it('takes ${ENV} in it', () => {
    expect(headersIn('A: ${KEY}', { KEY: secret })[0]).toEqual(['A', secret]);
  });

  it('may be repeated', () => {
    const { headers } = configOf(
      ['--header-file', '/a', '--header-file', '/b'],
      {},
      { '/a': 'A: 1', '/b': 'B: 2' },
    );
    expect(headers.map(([name]) => name)).toEqual(['A', 'B']);
  });

  it.each([
    ['a line without a colon', secret, {}, 'header name and a colon'],
    ['a character that HTTP does not allow', `A: ${secret}\0`, {}, 'does not allow'],
    ['a variable that is not set', 'A: ${NONE}', {}, 'NONE is not set'],
  ])('is refused with %s, and its text not quoted', async (_what, text, env, why) => {
    const error = await refusal(['--header-file', '/h'], env, { '/h': text });
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain(why);
    expect(everythingIn(error)).not.toContain(secret);
  });

  it('that cannot be read is refused by its name', async () => {
    const { message, exitCode } = await refusal(['--header-file', '/none']);
    expect(message).toContain('the file /none cannot be read');
    expect(exitCode).toBe(2);
  });
});
