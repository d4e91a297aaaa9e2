import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AuthorizationServer, clientId, type Behaviour } from '../support/authorization-server.ts';
import { commandRuns } from '../support/sign-in-commands.ts';
import { refusalOf } from '../support/failure.ts';
import { freePort } from '../support/loopback-server.ts';

const passphrase = { MCP_KEYHOLE_PASSPHRASE: 'correct horse' };

/** A sign-in by `login`, of a client that registers itself unless another is given. */
async function signedIn(behaviour: Behaviour = {}, { flags = [] as string[], env = {} } = {}) {
  const provider = await AuthorizationServer.start({ registers: true, ...behaviour });
  const runs = await commandRuns();
  const server = provider.resource.href;
  await runs.signIn([server, String(await freePort()), ...flags], env);
  return { provider, server, ...runs };
}

const byHand = ['--static-oauth-client-info', JSON.stringify({ client_id: clientId })];
const tokenFiles = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.startsWith('tokens-'));

describe('status', () => {
  it('says that nobody is signed in, anywhere or at a server, with exit code 1', async () => {
    const { status } = await commandRuns();
    expect(await status()).toMatchObject({ exitCode: 1, printed: 'Not signed in anywhere.\n' });
    const server = 'https://mcp.example.com/mcp';
    expect(await status([server])).toMatchObject({ exitCode: 1, printed: `Not signed in to ${server}.\n` });
    expect(await status(['--json'])).toMatchObject({ exitCode: 1, printed: '[]\n' });
  });

  it('shows a sign-in in words, without anything secret', async () => {
    const { provider, server, status, folder } = await signedIn();
    const { exitCode, printed } = await status();
    expect(exitCode).toBe(0);
    expect(printed).toBe(
      `${server}\n` +
        '  client    registered by itself\n' +
        `  issuer    ${provider.issuer}\n` +
        '  scopes    openid get_name offline_access\n' +
        '  token     ends in 59 minutes; renewed by itself\n' +
        `  kept in   files in ${folder} (not encrypted)\n`,
    );
  });

  it('shows with --json the facts, times as ISO 8601, and nothing secret', async () => {
    const { provider, server, status, folder } = await signedIn({}, { flags: byHand });
    const { printed, exitCode } = await status(['--json']);
    const [entry] = JSON.parse(printed) as Record<string, unknown>[];
    expect(exitCode).toBe(0);
    expect(entry).toEqual({
      server,
      clientId,
      profile: 'default',
      issuer: provider.issuer,
      store: 'file',
      place: `files in ${folder} (not encrypted)`,
      scopes: ['openid', 'get_name', 'offline_access'],
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u) as string,
      refreshes: true,
    });
    const ends = Date.parse(entry?.['expiresAt'] as string) - Date.now();
    expect(ends).toBeGreaterThan(3_500_000);
    expect(ends).toBeLessThanOrEqual(3_600_000);
    for (const secret of provider.tokens.secrets) expect(printed).not.toContain(secret);
  });

  it('shows those at one server when one is named', async () => {
    const { server, status, signIn } = await signedIn();
    const other = await AuthorizationServer.start({ registers: true });
    await signIn([other.resource.href, String(await freePort())]);
    expect((await status()).printed).toContain(server);
    expect((await status([other.resource.href])).printed).not.toContain(server);
  });

  it('shows a sign-in that cannot be read with the reason, and the others all the same', async () => {
    const { server, status, folder, signIn } = await signedIn({}, { env: passphrase });
    const other = await AuthorizationServer.start({ registers: true });
    await signIn([other.resource.href, String(await freePort())]);
    const { printed, exitCode } = await status();
    expect(exitCode).toBe(0);
    expect(printed).toContain(`${server} is encrypted, and there is no passphrase.`);
    expect(printed).toContain(`kept in   files in ${folder}`);
    const entries = JSON.parse((await status(['--json'])).printed) as { error?: { code: string } }[];
    expect(entries.map(({ error }) => error?.code).sort()).toEqual(['passphrase-missing', undefined]);
  });
});

describe('logout', () => {
  it('revokes the tokens, deletes the registration, removes the entry, and says each', async () => {
    const { provider, server, logout, status, folder } = await signedIn({ revokes: 'RFC 7009' });
    const { exitCode, printed } = await logout([server]);
    expect(exitCode).toBe(0);
    expect(printed).toBe(
      'Revoked at the authorization server (RFC 7009).\n' +
        'Client registration deleted (RFC 7592).\n' +
        `Removed the sign-in for ${server} from files in ${folder} (not encrypted).\n`,
    );
    expect(provider.tokens.refreshTokens).toEqual([]);
    expect(await tokenFiles(folder)).toEqual([]);
    expect((await status()).exitCode).toBe(1);
  });

  it.each<[string, Behaviour, string]>([
    ['has no way to revoke', {}, 'Not revoked: the authorization server has no way to revoke tokens.'],
    [
      'refuses (RFC 7009)',
      { revokes: 'RFC 7009', refusesToEnd: 503 },
      'Not revoked: the authorization server answered HTTP 503.',
    ],
    [
      'refuses (FusionAuth)',
      { revokes: 'FusionAuth', refusesToEnd: 403 },
      'Not revoked: FusionAuth answered with HTTP 403.',
    ],
  ])('removes the entry all the same when the server %s, and says so', async (_what, behaviour, words) => {
    const { server, logout, folder } = await signedIn(behaviour, { flags: byHand });
    const { printed, exitCode } = await logout([server]);
    expect(exitCode).toBe(0);
    expect(printed).toContain(words);
    expect(printed).toContain(`Removed the sign-in for ${server} client ${clientId}`);
    expect(await tokenFiles(folder)).toEqual([]);
  });

  it('removes the entry when the authorization server cannot be reached', async () => {
    const { provider, server, logout, folder } = await signedIn({ revokes: 'RFC 7009' });
    await provider.close();
    const { printed } = await logout([server]);
    expect(printed).toContain('Not revoked: The authorization server at');
    expect(printed).toContain('Removed the sign-in');
    expect(await tokenFiles(folder)).toEqual([]);
  });

  it.each([
    ['is damaged', 'access-1', {}],
    ['is encrypted with a lost passphrase', undefined, { MCP_KEYHOLE_PASSPHRASE: 'another' }],
    ['is encrypted, without a passphrase', undefined, {}],
  ])('removes an entry that %s', async (_what, damage, env) => {
    const { server, logout, status, folder } = await signedIn({}, { env: passphrase });
    const [file = ''] = await tokenFiles(folder);
    if (damage !== undefined) await writeFile(path.join(folder, file), damage);
    expect((await logout([server], env)).printed).toContain(`Removed the sign-in for ${server}`);
    expect(await tokenFiles(folder)).toEqual([]);
    expect((await status()).exitCode).toBe(1);
  });

  it('says that there was none', async () => {
    const { logout } = await commandRuns();
    const server = 'https://mcp.example.com/mcp';
    expect(await logout([server])).toMatchObject({
      exitCode: 0,
      printed: `There was no sign-in for ${server}.\n`,
    });
  });

  it('ends the sign-in of the client and profile named, and leaves the others', async () => {
    const { provider, server, logout, signIn, status } = await signedIn();
    await signIn([server, String(await freePort()), ...byHand]);
    await signIn([server, String(await freePort()), '--profile', 'work']);
    expect((await logout([server, ...byHand])).printed).toContain(`client ${clientId}`);
    const left = () => status().then(({ printed }) => printed.match(/^http/gmu)?.length ?? 0);
    expect(await left()).toBe(2);
    await logout([server]);
    expect(await left()).toBe(1);
    expect((await logout([server, '--profile', 'work'])).printed).toContain('profile work');
    expect(await left()).toBe(0);
    expect(provider.requestsTo('/revoke')).toEqual([]);
  });

  it('finds a sign-in that the index has lost', async () => {
    const { server, logout, folder } = await signedIn({}, { flags: byHand });
    await writeFile(path.join(folder, 'sign-ins.json'), '{}');
    expect((await logout([server, ...byHand])).printed).toContain('Removed the sign-in');
    expect(await tokenFiles(folder)).toEqual([]);
  });
});

describe('a sign-in with a passphrase', () => {
  it('serves with it, and is an error without, not a second sign-in', async () => {
    const { server, login } = await signedIn({}, { env: passphrase });
    expect((await login([server], passphrase)).printed).toContain('Already signed in');
    expect((await refusalOf(() => login([server]))).code).toBe('passphrase-missing');
    const wrong = { MCP_KEYHOLE_PASSPHRASE: 'wrong' };
    expect((await refusalOf(() => login([server], wrong))).code).toBe('passphrase-wrong');
  });
});
