// The tests here stand on these pieces: each must see what it is there to see.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Browser } from './support/browser.ts';
import { KeychainSession } from './support/keychain-session.ts';
import { OpenedUrls } from './support/opened-urls.ts';
import { PrivateHome } from './support/private-home.ts';
import { RunningProcess } from './support/processes.ts';
import { program } from './support/programs.ts';
import { scan, secretsOf, type Secret } from './support/secret-scan.ts';

function privateHome(): PrivateHome {
  const home = new PrivateHome();
  onTestFinished(() => home.remove());
  return home;
}

test('a keychain session holds what a client of the Secret Service stores, and not in the clear', async () => {
  const home = privateHome();
  const keychain = await KeychainSession.start(home);
  onTestFinished(() => keychain.close());
  const store = ['store', '--label', 'A label', 'service', 'harness', 'username', 'an account'];
  const secretTool = (...args: string[]) =>
    new RunningProcess('secret-tool', program('secret-tool'), args, {
      env: keychain.env,
      input: 'stored secret',
    });
  expect(await secretTool(...store).ended).toBe(0);

  expect(await keychain.search('harness')).toEqual([
    { label: 'A label', secret: 'stored secret', account: 'an account' },
  ]);
  const secret = { kind: 'token', value: 'stored secret', inSignInUrl: false };
  expect(scan([secret], { outputs: [], folders: [home.folder] })).toEqual([]);

  await keychain.lock();
  expect(await keychain.search('harness')).toEqual([]);
});

test('a browser program hands over each URL, and closing it fails when one was not expected', async () => {
  const opened = await OpenedUrls.start();
  const open = (url: string) =>
    new RunningProcess('browser', opened.program, ['--flag', url], { env: privateHome().env }).ended;
  expect(await open('http://localhost/?a=1&b=two words')).toBe(0);
  expect(await opened.next()).toBe('http://localhost/?a=1&b=two words');
  await expect(opened.next(50)).rejects.toThrow('No browser was opened within 50 ms');

  await open('http://localhost/not-expected');
  await expect(opened.close()).rejects.toThrow('opened 1 times more');
});

test('a missing program fails with the command that installs it', () => {
  expect(() => program('no-such-program')).toThrow(/no-such-program.*apt-get install/su);
});

test('a process that does not print what a test waits for fails with all that it printed', async () => {
  const { env } = privateHome();
  const script = 'console.log("ready"); console.error("no port"); process.exitCode = 3';
  const running = new RunningProcess('node', process.execPath, ['-e', script], { env });
  await expect(running.prints('stdout', /listening/u)).rejects.toThrow(/listening.*ended.*ready.*no port/su);
  expect(await running.prints('stdout', /^(r.*)y$/mu)).toHaveProperty('1', 'read');
  expect(await running.end()).toBe(3);
});

test('the browser reaches loopback and no other computer', async () => {
  const browser = await Browser.start();
  onTestFinished(() => browser.close());
  await expect(browser.signIn('http://example.com/')).rejects.toThrow('ERR_NAME_NOT_RESOLVED');
});

const token = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlIG9mIHRoaXMgdG9rZW4/c2ln`.replace('/', '_');
const forms: Record<string, string | Buffer> = {
  'as it is': token,
  'by its signature alone': token.slice(token.lastIndexOf('.') + 1),
  'in base64 with more behind it': Buffer.from(`${token}"}`).toString('base64'),
  'in hexadecimal': Buffer.from(token).toString('hex'),
  'in UTF-16': Buffer.from(token, 'utf16le'),
};

test.each(Object.entries(forms))('the scan finds a token %s, in a file and on a stream', (_, form) => {
  const home = privateHome();
  const path = join(home.folder, 'a', 'b', 'file');
  mkdirSync(join(home.folder, 'a', 'b'), { recursive: true });
  writeFileSync(path, Buffer.concat([Buffer.from([0, 255]), Buffer.from(form)]));
  const secret: Secret = { kind: 'access_token', value: token, inSignInUrl: false };

  expect(scan([secret], { outputs: [], folders: [home.folder] })).toEqual([
    { kind: 'access_token', where: path },
  ]);
  const outputs = [{ name: 'p', stdout: 'nothing', stderr: `debug: ${token}` }];
  expect(scan([secret], { outputs, folders: [] })).toContainEqual({
    kind: 'access_token',
    where: 'p, stderr',
  });
});

test('the scan lets the state pass in the sign-in URL where a person is to read it; a code passes nowhere', () => {
  const secrets: Secret[] = [
    { kind: 'state', value: 'the-state', inSignInUrl: true },
    { kind: 'code', value: 'the-code', inSignInUrl: false },
  ];
  const found = (stderr: string, stdout = ''): readonly string[] =>
    scan(secrets, { outputs: [{ name: 'p', stdout, stderr }], folders: [] }).map(({ kind }) => kind);
  const line = 'mcp-keyhole: sign in to http://localhost/mcp here: http://localhost/?state=the-state';
  expect(found(`${line}\n`)).toEqual([]);
  expect(found(`${line}&code=the-code\n`)).toEqual(['code']);
  expect(found(`mcp-keyhole: debug: the-state\n`)).toEqual(['state']);
  const url = 'http://localhost:1/oauth2/authorize?state=the-state';
  expect(found('', `{"instructions":"Open ${url} or call the tool"}\n`)).toEqual([]);
  expect(found('', `{"instructions":"Open ${url}&code=the-code"}\n`)).toEqual(['code']);
  expect(found('', `{"result":"the-state"}\n`)).toEqual(['state']);
});

test('the secrets of a run are all that the authorization server issued or was sent', () => {
  const answer = { method: 'POST', status: 200, location: undefined, cookies: [], requestBody: '' };
  const tokens = {
    access_token: 'the-at',
    refresh_token: 'the-rt',
    id_token: 'the-idt',
    token_type: 'Bearer',
  };
  const kinds = secretsOf([
    {
      ...answer,
      url: new URL('http://localhost/oauth2/authorize?state=the-state&nonce=the-nonce&code_challenge=the-ch'),
      responseBody: '',
      location: 'http://localhost:3334/oauth/callback?code=the-code&state=the-state',
      cookies: ['sso=0123456789abcdef; Path=/', 'locale=en'],
    },
    {
      ...answer,
      url: new URL('http://localhost/oauth2/token'),
      requestBody: 'grant_type=authorization_code&code=the-code&code_verifier=the-verifier',
      responseBody: JSON.stringify(tokens),
    },
  ]).map(({ kind }) => kind);
  expect(kinds.toSorted()).toEqual(
    ['access_token', 'code', 'code_challenge', 'code_verifier', 'id_token', 'nonce'].concat([
      'refresh_token',
      'session cookie',
      'state',
    ]),
  );
});
