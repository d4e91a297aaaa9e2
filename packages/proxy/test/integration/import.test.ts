import { access } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { AuthorizationServer, clientId } from '../support/authorization-server.ts';
import { machine } from '../support/command-run.ts';
import { everythingIn, refusalOf } from '../support/failure.ts';
import { freePort } from '../support/loopback-server.ts';
import { mcpRemoteKey, writeMcpRemoteFiles } from '../support/mcp-remote-folder.ts';
import { toolServer, type ToolServerSettings } from '../support/tool-server.ts';

const preRegistered = ['--static-oauth-client-info', JSON.stringify({ client_id: clientId })];

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

type Files = Omit<Parameters<typeof writeMcpRemoteFiles>[1], 'key'>;

/** A machine on which mcp-remote has signed in to a server; the tokens are real ones of the provider. */
async function scene(
  files: (real: { access_token: string; refresh_token: string }, issuer: string) => Files = (
    tokens,
    issuer,
  ) => ({
    tokens: { ...tokens, expires_at: Date.now() + 3_600_000, issuer, requested_scope: 'openid' },
  }),
  settings: Omit<ToolServerSettings, 'provider'> = {},
) {
  const provider = await AuthorizationServer.start();
  const server = await toolServer({ ...settings, provider });
  const { run, home, env } = await machine();
  const real = await signedInElsewhere(server.resource.href, provider);
  const key = mcpRemoteKey(server.resource.href);
  const folder = `${home}/.mcp-auth`;
  const written = await writeMcpRemoteFiles(folder, { key, ...files(real, provider.issuer) });
  const importing = (flags: readonly string[] = preRegistered, options: Parameters<typeof run>[1] = {}) =>
    run(['import', server.resource.href, ...flags], options);
  return { provider, server, run, env, real, folder, written, importing };
}

/** Tokens that another machine got. */
async function signedInElsewhere(url: string, provider: AuthorizationServer) {
  const { run } = await machine();
  await run(['tools', url, String(await freePort()), ...preRegistered]);
  const of = (kind: string): string =>
    provider.tokens.secrets.find((secret) => secret.startsWith(kind)) ?? `there is no ${kind}`;
  return { access_token: of('access'), refresh_token: of('refresh') };
}

describe('import', () => {
  it('takes over a sign-in, so that the next command needs none, and says what it did', async () => {
    const { importing, run, server, provider, written, real } = await scene();
    const { exitCode, stdout, signIns, log } = await importing();
    expect({ exitCode, signIns }).toEqual({ exitCode: 0, signIns: 0 });
    expect(stdout).toContain(`Took over the sign-in for ${server.resource.href} from mcp-remote.`);
    expect(stdout).toContain(provider.issuer);
    expect(stdout).toContain('ends in 59 minutes; renewed by itself');
    expect(stdout).toContain(written[0]);
    for (const token of Object.values(real)) expect(`${stdout}${log.text()}`).not.toContain(token);
    const next = await run(['tools', server.resource.href, ...preRegistered]);
    expect(next.signIns).toBe(0);
    expect(next.stdout).toContain('add');
  });

  it('takes over what must be refreshed first', async () => {
    const { importing, run, server, provider } = await scene();
    provider.expireAccessTokens();
    await importing();
    expect((await run(['tools', server.resource.href, ...preRegistered])).signIns).toBe(0);
    expect(provider.tokenRequests('refresh_token')).toHaveLength(1);
    expect(provider.tokenRequests('refresh_token')[0]?.get('resource')).toBe(server.resource.href);
  });

  it('takes over the client that mcp-remote registered, and refreshes as that', async () => {
    const { importing, run, server, provider } = await scene((tokens, issuer) => ({
      tokens: { ...tokens, expires_at: Date.now() - 1_000, issuer },
      client: { client_id: clientId, redirect_uris: ['http://localhost:1/oauth/callback'] },
    }));
    await importing([]);
    const { signIns } = await run(['tools', server.resource.href]);
    expect(signIns).toBe(0);
    expect(provider.tokenRequests('refresh_token')[0]?.get('client_id')).toBe(clientId);
  });

  it('finds the issuer that old files lack, and reckons their end from when they were written', async () => {
    const { importing, provider } = await scene((tokens) => ({
      version: 'mcp-remote-0.1.30',
      tokens: { ...tokens, expires_in: 7_200 },
      writtenAt: new Date(Date.now() - 3_600_000),
    }));
    const { stdout } = await importing();
    expect(stdout).toContain(provider.issuer);
    expect(stdout).toMatch(/ends in (?:59 minutes|1 hour);/u);
  });

  it('refuses an old file when the issuer cannot be found out', async () => {
    const { importing, provider, run, server } = await scene((tokens) => ({ tokens }));
    await provider.close();
    expect((await refusalOf(importing)).code).toBe('authorization-server-unreachable');
    await expectNothingStored(run, server.resource.href);
  });

  it.each([
    [
      'another issuer than the server names now',
      { issuer: 'https://old.example.com' },
      'https://old.example.com issued it',
    ],
    ['no access token', { access_token: undefined }, 'no access token'],
    ['an end in the past, and no refresh token', { refresh_token: undefined, expires_at: 1 }, 'it has ended'],
  ])('refuses tokens with %s', async (_what, change, reason) => {
    const { importing, run, server, written } = await scene((tokens, issuer) => ({
      tokens: { ...tokens, issuer, ...change },
    }));
    const error = await refusalOf(() => importing([...preRegistered, '--delete-files']));
    expect(error.code).toBe('import-refused');
    expect(error.message).toContain(reason);
    await expectNothingStored(run, server.resource.href);
    expect(await isThere(written[0] ?? '')).toBe(true);
  });

  it('refuses a damaged file, without quoting it', async () => {
    const { importing } = await scene(() => ({ tokens: '{"access_token": "secret' }));
    const error = await refusalOf(importing);
    expect(error.code).toBe('import-refused');
    expect(everythingIn(error)).not.toContain('secret');
  });

  it('asks for the client where mcp-remote kept none', async () => {
    const { importing } = await scene();
    const error = await refusalOf(() => importing([]));
    expect(error.message).toContain('--static-oauth-client-info');
  });

  it('never replaces a sign-in that is there', async () => {
    const { importing, run, server, provider } = await scene();
    await run(['tools', server.resource.href, String(await freePort()), ...preRegistered]);
    provider.expireAccessTokens();
    const { stdout } = await importing();
    expect(stdout).toContain('There is a sign-in for');
    expect(stdout).not.toContain('Took over');
    await run(['tools', server.resource.href, ...preRegistered]);
    const refreshed = provider.tokenRequests('refresh_token').map((form) => form.get('refresh_token'));
    expect(refreshed).toEqual([provider.tokens.secrets.filter((secret) => secret.startsWith('refresh'))[1]]);
  });

  it.each([
    ['asked and agreed', preRegistered, { isTTY: true, input: 'y\n' }, true],
    ['asked and not agreed', preRegistered, { isTTY: true, input: '\n' }, false],
    ['asked and no answer', preRegistered, { isTTY: true, input: '' }, false],
    ['not asked, for want of a terminal', preRegistered, { isTTY: false, input: 'y\n' }, false],
    ['told to', [...preRegistered, '--delete-files'], { isTTY: false }, true],
  ])("deletes mcp-remote's files or not: %s", async (_what, flags, options, deleted) => {
    const { importing, written } = await scene((tokens, issuer) => ({
      tokens: { ...tokens, issuer },
      client: { client_id: clientId },
    }));
    const { stdout, asked } = await importing(flags, options);
    for (const file of written) {
      expect(await isThere(file)).toBe(!deleted);
      expect(stdout).toContain(file);
    }
    expect(stdout.includes("Deleted mcp-remote's files")).toBe(deleted);
    expect(asked.includes('Delete them? [y/N]')).toBe(options.isTTY);
  });

  it('without a URL says how many there are, and what to do', async () => {
    const { run, folder } = await scene();
    await writeMcpRemoteFiles(folder, { key: mcpRemoteKey('https://b.example/'), tokens: {} });
    const { stdout, exitCode } = await run(['import']);
    expect(stdout).toContain(`mcp-remote keeps 2 sign-ins in ${folder}.`);
    expect(stdout).toContain('mcp-keyhole import <server-url>');
    expect(exitCode).toBe(0);
    const bare = await machine();
    expect((await bare.run(['import'])).stdout).toBe(
      `mcp-remote keeps no sign-ins in ${bare.home}/.mcp-auth.\n`,
    );
  });

  it('says that there is none for a server, and that flags matter', async () => {
    const { run } = await scene();
    const error = await refusalOf(() => run(['import', 'https://other.example.com/mcp']));
    expect(error.code).toBe('import-missing');
    expect(error.message).toContain('(1 for other servers or flags)');
    expect(error.remedy).toContain('--header');
  });

  it('refuses memory, where the sign-in would be gone at once', async () => {
    const { importing } = await scene();
    const { code } = await refusalOf(() => importing([...preRegistered, '--token-store', 'memory']));
    expect(code).toBe('memory-store-refused');
  });
});

async function expectNothingStored(
  run: Awaited<ReturnType<typeof machine>>['run'],
  url: string,
): Promise<void> {
  const { stdout } = await run(['doctor', url, '--json', ...preRegistered]);
  const findings = JSON.parse(stdout) as { step: string; detail: string }[];
  expect(findings.find(({ step }) => step === 'stored-sign-in')?.detail).toContain('none yet');
}
