import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { nodeVerdict } from '../../src/commands/doctor-machine.ts';
import type { Finding } from '../../src/commands/finding.ts';
import { StateFolder } from '../../src/state-folder.ts';
import { FileTokenStore } from '../../src/token-store/file.ts';
import { SignInIndex } from '../../src/token-store/index-file.ts';
import { AuthorizationServer, clientId, type Behaviour } from '../support/authorization-server.ts';
import { machine, type Run } from '../support/command-run.ts';
import { helloServer } from '../support/hello-server.ts';
import { freePort, loopbackServer, sendHtml, sendJson } from '../support/loopback-server.ts';
import { tokenSet } from '../support/token-sets.ts';
import { methodsOf, toolServer, type ToolServerSettings } from '../support/tool-server.ts';

const clientWith = (scope?: string): string[] => [
  '--static-oauth-client-info',
  JSON.stringify({ client_id: clientId, scope }),
];

interface Diagnosis extends Run {
  readonly findings: readonly Finding[];
  /** The finding of a step; absent steps fail the test. */
  readonly of: (step: string) => Finding;
}

function diagnosisOf(run: Run): Diagnosis {
  const findings = JSON.parse(run.stdout) as Finding[];
  return {
    ...run,
    findings,
    of: (step) => {
      const finding = findings.find((candidate) => candidate.step === step);
      if (finding === undefined)
        throw new Error(`there is no ${step} among ${findings.map((each) => each.step).join(', ')}`);
      return finding;
    },
  };
}

/** A protected server with its provider, and a machine to look at them from, on which a browser could open. */
async function scene(behaviour: Behaviour = {}, settings: Omit<ToolServerSettings, 'provider'> = {}) {
  const provider = await AuthorizationServer.start({
    metadata: (correct) => ({ ...correct, grant_types_supported: ['authorization_code', 'refresh_token'] }),
    ...behaviour,
  });
  const server = await toolServer({ ...settings, provider });
  const port = String(await freePort());
  const here = await machine({ MCP_KEYHOLE_NO_BROWSER: '0', BROWSER: 'true' });
  const examine = async (flags: readonly string[] = clientWith()): Promise<Diagnosis> =>
    diagnosisOf(await here.run(['doctor', server.resource.href, port, '--json', ...flags]));
  const signIn = (): Promise<Run> =>
    here.run(['tools', server.resource.href, port, '--no-browser', ...clientWith()]);
  return { ...here, provider, server, port, examine, signIn };
}

describe('doctor', () => {
  it('finds all well where all is well, signs nobody in and changes nothing', async () => {
    const { examine, provider, server } = await scene();
    const { findings, exitCode, signIns } = await examine();
    expect(findings.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      'node fine',
      'state-folder fine',
      'token-store fine',
      'browser fine',
      'callback-port fine',
      'server fine',
      'sign-in fine',
      'resource-metadata fine',
      'resource fine',
      'authorization-server fine',
      'pkce fine',
      'registration fine',
      'scopes fine',
      'refresh fine',
      'stored-sign-in fine',
    ]);
    expect({ exitCode, signIns }).toEqual({ exitCode: 0, signIns: 0 });
    expect(new Set(provider.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(provider.requestsTo('/authorize')).toEqual([]);
    expect(methodsOf(server)).toEqual(['server/discover']);
  });

  it('says the same in lines, with a sum at the end, and colours only on a terminal', async () => {
    vi.stubEnv('NO_COLOR', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { run, server, port } = await scene();
    const argv = ['doctor', server.resource.href, port, ...clientWith()];
    const { stdout } = await run(argv);
    expect(stdout).toMatch(/^fine {5}node {18}Node\.js /mu);
    expect(stdout).toContain(`would be asked for: openid get_name offline_access\n`);
    expect(stdout.endsWith('All is well.\n')).toBe(true);
    expect(stdout).not.toContain('\u001b');
    expect((await run(argv, { isTTY: true })).stdout).toContain('\u001b[32mfine');
  });

  it('gives a remedy with everything that is not fine, and counts it', async () => {
    const { run, server, port } = await scene({ registers: false });
    const { stdout, exitCode } = await run(['doctor', server.resource.href, port, '--no-browser']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^wrong {4}registration .*\n {9}Register it/mu);
    expect(stdout).toMatch(/^warning {2}browser .*\n {9}Run `mcp-keyhole login/mu);
    expect(stdout).toContain('1 wrong, 1 warning.');
  });
});

describe('doctor, on this machine', () => {
  it('knows the oldest Node.js that will do', () => {
    expect(nodeVerdict('20.18.1').outcome).toBe('fine');
    expect(nodeVerdict('22.0.0').outcome).toBe('fine');
    expect(nodeVerdict('20.18.0').outcome).toBe('wrong');
    expect(nodeVerdict('20.9.0').outcome).toBe('wrong');
  });

  it('finds a state folder that cannot be used', async () => {
    const { home, run, server, port } = await scene();
    const file = path.join(home, 'file');
    await writeFile(file, '');
    const there = await machine({ MCP_KEYHOLE_DIR: file });
    const argv = ['doctor', server.resource.href, port, '--json', ...clientWith()];
    const { of, exitCode } = diagnosisOf(await there.run(argv));
    expect(of('state-folder')).toMatchObject({
      outcome: 'wrong',
      remedy: expect.stringContaining('MCP_KEYHOLE_DIR') as string,
    });
    expect(exitCode).toBe(1);
    expect(diagnosisOf(await run(argv)).of('state-folder').outcome).toBe('fine');
  });

  it('leaves no probe behind', async () => {
    const { examine, run } = await scene();
    expect((await examine()).of('token-store').detail).toContain('written, read back and deleted');
    expect((await run(['secret', 'list'])).stdout).toBe('There are no secrets.\n');
  });

  it('warns of memory', async () => {
    const { examine } = await scene();
    const { of } = await examine([...clientWith(), '--token-store', 'memory']);
    expect(of('token-store').outcome).toBe('warning');
  });

  it('says who holds the callback port, which only a registered client cannot do without', async () => {
    const { examine, port } = await scene({ registers: true });
    expect((await examine()).of('callback-port').outcome).toBe('fine');
    const squatter = createServer().listen(Number(port), '127.0.0.1');
    await once(squatter, 'listening');
    onTestFinished(() => void squatter.close());
    const strict = (await examine()).of('callback-port');
    expect(strict).toMatchObject({
      outcome: 'wrong',
      remedy: expect.stringContaining('another port') as string,
    });
    const holder = process.platform === 'linux' ? `(process ${process.pid})` : 'another program';
    expect(strict.detail).toContain(holder);
    expect((await examine([])).of('callback-port')).toMatchObject({
      outcome: 'fine',
      detail: expect.stringContaining('a free one is used instead') as string,
    });
  });

  it('tells a port that serves another sign-in of Keyhole from one that a stranger has', async () => {
    const { examine, port, stateFolder } = await scene();
    await new StateFolder(stateFolder).locked(`callback-port-${port}`, async () => {
      expect((await examine()).of('callback-port')).toMatchObject({
        outcome: 'warning',
        detail: expect.stringContaining('another sign-in of Keyhole') as string,
      });
    });
  });

  it('needs neither browser nor port where nobody signs in here', async () => {
    const { examine } = await scene();
    const { findings } = await examine([...clientWith(), '--client-credentials']);
    const steps = findings.map(({ step }) => step);
    for (const step of ['browser', 'callback-port', 'pkce', 'refresh']) expect(steps).not.toContain(step);
  });
});

describe('doctor, at the server', () => {
  const look = async (url: string, ...flags: string[]): Promise<Diagnosis> =>
    diagnosisOf(await (await machine()).run(['doctor', url, '--json', ...flags]));

  it('finds that nobody listens', async () => {
    const server = await toolServer();
    await server.close();
    const { of, exitCode, findings } = await look(server.resource.href);
    expect(of('server').outcome).toBe('wrong');
    expect(of('server').detail).toContain('cannot be reached');
    expect(findings.at(-1)?.step).toBe('server');
    expect(exitCode).toBe(1);
  });

  it('finds a server that fails', async () => {
    const server = await loopbackServer((_request, response) => {
      sendJson(response, 503, { error: 'starting' });
    });
    expect((await look(`${server.url}/mcp`)).of('server')).toMatchObject({
      outcome: 'wrong',
      detail: expect.stringContaining('HTTP 503') as string,
    });
  });

  it('finds what is no MCP server, and what leads elsewhere', async () => {
    const page = await loopbackServer((_request, response) => {
      sendHtml(response, 200);
    });
    const redirect = await loopbackServer((_request, response) => {
      response.writeHead(302, { location: `${page.url}/mcp` }).end();
    });
    expect((await look(`${page.url}/mcp`)).of('mcp').outcome).toBe('wrong');
    const before = page.requests.length;
    expect((await look(`${redirect.url}/mcp`)).of('mcp')).toMatchObject({
      outcome: 'wrong',
      detail: expect.stringContaining('redirect') as string,
    });
    expect(page.requests).toHaveLength(before);
  });

  it('says what a server is that wants no sign-in, in either era', async () => {
    const legacy = (await look((await toolServer()).resource.href)).of('mcp');
    expect(legacy.detail).toBe('Tools (protocol 2025-11-25, 1 tool) wants no sign-in');
    const modern = (await look((await helloServer()).href)).of('mcp');
    expect(modern.detail).toContain('(protocol 2026-07-28, 3 tools) wants no sign-in');
  });

  it('shows the challenge, and warns when there is none in the 401', async () => {
    const { examine } = await scene();
    expect((await examine()).of('sign-in').detail).toContain('scope="openid get_name"');
    const silent = await scene({}, { challenge: () => undefined });
    const { of } = await silent.examine();
    expect(of('sign-in').outcome).toBe('warning');
    expect(of('resource-metadata').outcome).toBe('fine');
  });

  it('finds an API key that the server refuses', async () => {
    const { examine } = await scene();
    const { of } = await examine([...clientWith(), '--header', 'Authorization: Bearer wrong']);
    expect(of('sign-in')).toMatchObject({
      outcome: 'wrong',
      remedy: expect.stringContaining('header') as string,
    });
  });

  it('finds a header whose secret is missing', async () => {
    const { of } = await look('http://localhost:1/mcp', '--header', 'X: ${keychain:api-key}');
    expect(of('server')).toMatchObject({
      outcome: 'wrong',
      remedy: expect.stringContaining('secret set api-key') as string,
    });
  });
});

describe('doctor, at the authorization server', () => {
  it.each<[string, string, Behaviour, Omit<ToolServerSettings, 'provider'>, string]>([
    [
      'resource',
      'metadata of another server',
      {},
      { resourceMetadata: (correct) => ({ ...correct, resource: 'https://other.example/mcp' }) },
      'https://other.example/mcp',
    ],
    [
      'authorization-server',
      'the issuer acme.com',
      { metadata: (correct) => ({ ...correct, issuer: 'acme.com' }) },
      {},
      'acme.com',
    ],
    [
      'authorization-server',
      'an issuer that is no URL',
      {},
      { resourceMetadata: (correct) => ({ ...correct, authorization_servers: ['acme.com'] }) },
      'not a URL',
    ],
    ['authorization-server', 'no metadata', { publishes: 'nothing' }, {}, 'does not publish usable metadata'],
    [
      'pkce',
      'no PKCE',
      { metadata: (correct) => ({ ...correct, code_challenge_methods_supported: ['plain'] }) },
      {},
      'PKCE',
    ],
  ])('finds at the step %s: %s', async (step, _what, behaviour, settings, words) => {
    const { examine } = await scene(behaviour, settings);
    const { of, exitCode, findings } = await examine();
    expect(of(step).outcome).toBe('wrong');
    expect(of(step).detail).toContain(words);
    expect(of(step).remedy).toMatch(/\.$/u);
    expect(exitCode).toBe(1);
    // What can be looked at all the same is.
    expect(findings.at(-1)?.step).toBe('stored-sign-in');
  });

  it('finds a server that does not say where to sign in, and warns of one of MCP 2025-03-26', async () => {
    const silent = await toolServer({
      provider: await AuthorizationServer.start(),
      resourceMetadata: () => undefined,
    });
    const { run } = await machine();
    const argv = ['doctor', silent.resource.href, '--json', ...clientWith()];
    expect(diagnosisOf(await run(argv)).of('resource-metadata').outcome).toBe('wrong');
    const old = await AuthorizationServer.start({ publishes: 'authorization server' });
    const found = diagnosisOf(await run(['doctor', old.resource.href, '--json', ...clientWith()]));
    expect(found.of('resource-metadata')).toMatchObject({
      outcome: 'warning',
      detail: expect.stringContaining('2025-03-26') as string,
    });
  });

  it('says how the client is known, or that it cannot be', async () => {
    const { examine } = await scene({ registers: false });
    expect((await examine()).of('registration').detail).toBe(`by hand, as client ${clientId}`);
    const unknown = (await examine([])).of('registration');
    expect(unknown).toMatchObject({
      outcome: 'wrong',
      remedy: expect.stringContaining('--static-oauth-client-info') as string,
    });
    const open = await scene({ registers: true });
    expect((await open.examine([])).of('registration').detail).toContain('by itself');
    expect(open.provider.registrations()).toEqual([]);
  });

  it('knows client id metadata documents, and warns where they are not taken', async () => {
    const document = ['--client-metadata-url', 'https://client.example/client.json'];
    const taking = await scene({
      metadata: (correct) => ({ ...correct, client_id_metadata_document_supported: true }),
    });
    expect((await taking.examine(document)).of('registration').detail).toContain(
      'by the metadata document https://client.example/client.json',
    );
    const { examine } = await scene({ registers: true });
    expect((await examine(document)).of('registration').outcome).toBe('warning');
  });

  it('finds a device grant that is not there', async () => {
    const { examine } = await scene();
    expect((await examine([...clientWith(), '--device-code'])).of('registration').outcome).toBe('wrong');
    const granting = await scene({ devicePolls: [] });
    expect((await granting.examine([...clientWith(), '--device-code'])).of('registration').outcome).toBe(
      'fine',
    );
  });

  it('warns of scopes that the server wants and the client does not ask for', async () => {
    const { examine } = await scene();
    const narrow = (await examine(clientWith('openid offline_access'))).of('scopes');
    expect(narrow).toMatchObject({
      outcome: 'warning',
      detail: expect.stringContaining('also wants get_name') as string,
    });
    expect((await examine(clientWith('openid get_name'))).of('scopes').outcome).toBe('fine');
  });

  it('warns when sign-ins would end with their first token', async () => {
    const { examine } = await scene();
    const notAsked = (await examine(clientWith('openid get_name'))).of('refresh');
    expect(notAsked).toMatchObject({
      outcome: 'warning',
      remedy: expect.stringContaining('Add offline_access') as string,
    });
    expect((await examine(clientWith('openid get_name offline_access'))).of('refresh').outcome).toBe('fine');
    const without = await scene({ metadata: (correct) => ({ ...correct, scopes_supported: ['openid'] }) });
    expect((await without.examine()).of('refresh').outcome).toBe('warning');
    const implied = await scene({
      metadata: (correct) => ({ ...correct, scopes_supported: [], grant_types_supported: ['refresh_token'] }),
    });
    expect((await implied.examine()).of('refresh').outcome).toBe('fine');
  });
});

describe('doctor, with a sign-in', () => {
  it('says that it is accepted, and how long it lasts', async () => {
    const { examine, signIn, provider, server } = await scene();
    await signIn();
    const before = provider.tokenRequests().length;
    const { of, exitCode, stdout } = await examine();
    expect(of('stored-sign-in')).toMatchObject({
      outcome: 'fine',
      detail: 'accepted by Tools (1 tool); the token ends in 59 minutes; renewed by itself',
    });
    expect(exitCode).toBe(0);
    for (const secret of provider.secrets) expect(stdout).not.toContain(secret);
    expect(provider.tokenRequests()).toHaveLength(before);
    // Its session at the server is ended too.
    expect(server.requests.at(-1)?.method).toBe('DELETE');
  });

  it('warns that the server refuses its token, and does not refresh it', async () => {
    const { examine, signIn, provider } = await scene();
    await signIn();
    provider.expireAccessTokens();
    expect((await examine()).of('stored-sign-in')).toMatchObject({
      outcome: 'warning',
      detail: expect.stringContaining('the server refuses the token') as string,
    });
    expect(provider.tokenRequests('refresh_token')).toEqual([]);
  });

  it.each([
    ['fine where it is renewed by itself', 'refresh-1', 'fine', 'renewed by itself'],
    ['a warning where it is not', undefined, 'warning', 'a new sign-in is needed'],
  ])('finds a token that has ended %s', async (_what, refreshToken, outcome, words) => {
    const { examine, stateFolder, server, provider } = await scene();
    const folder = new StateFolder(stateFolder);
    const key = { server: server.resource.href, clientId, profile: 'default' };
    const ended = tokenSet({ issuer: provider.issuer, refreshToken, expiresAt: Date.now() - 120_000 });
    await new FileTokenStore(folder, new SignInIndex(folder), undefined).save(key, ended);
    expect((await examine()).of('stored-sign-in')).toMatchObject({
      outcome,
      detail: expect.stringMatching(`^the token ended 2 minutes ago; .*${words}$`) as string,
    });
  });

  it('warns when the server has moved to another authorization server', async () => {
    const other = await AuthorizationServer.start();
    let moved = false;
    const resourceMetadata: ToolServerSettings['resourceMetadata'] = (correct) =>
      moved ? { ...correct, authorization_servers: [other.issuer] } : correct;
    const { examine, signIn } = await scene({}, { resourceMetadata });
    await signIn();
    moved = true;
    expect((await examine()).of('stored-sign-in')).toMatchObject({
      outcome: 'warning',
      detail: expect.stringContaining(other.issuer) as string,
    });
  });
});
