import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/commands/finding.ts';
import { status } from '../../src/commands/status.ts';
import { loadConfig } from '../../src/config.ts';
import { AuthorizationServer, clientId, type Behaviour } from '../support/authorization-server.ts';
import { machine } from '../support/command-run.ts';
import { freePort } from '../support/loopback-server.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { toolServer } from '../support/tool-server.ts';

const client = ['--static-oauth-client-info', JSON.stringify({ client_id: clientId })];

/** A server that demands tokens that are bound to a key, or offers them beside others, and a machine with the commands. */
async function scene(behaviour: Behaviour = { dpop: {} }) {
  const provider = await AuthorizationServer.start(behaviour);
  const server = await toolServer({
    provider,
    challenge: (bearer) =>
      `${behaviour.dpop?.optional === true ? `${bearer}, ` : ''}${bearer.replace('Bearer', 'DPoP')}`,
  });
  const port = String(await freePort());
  const here = await machine();
  const command = (name: string, ...flags: string[]) =>
    here.run([name, server.resource.href, port, ...client, ...flags]);
  const binding = async (...flags: string[]): Promise<Finding | undefined> => {
    const { stdout } = await command('doctor', '--json', ...flags);
    return (JSON.parse(stdout) as Finding[]).find(({ step }) => step === 'binding');
  };
  const showStatus = async (...flags: string[]): Promise<string> => {
    const invocation = loadConfig(['status', ...flags], here.env);
    if (invocation.show !== 'nothing') throw new Error('help was asked for');
    let printed = '';
    await status(invocation.config, recordedLog().log, (text) => (printed += text));
    return printed;
  };
  return { ...here, command, binding, showStatus };
}

describe('a sign-in whose token is bound to a key', () => {
  it('is shown as such by every command, and its key by none', async () => {
    const { command, showStatus, stateFolder } = await scene();
    const runs = [await command('tools'), await command('login'), await command('doctor')];
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(runs.map(({ signIns }) => signIns)).toEqual([1, 0, 0]);
    const words = 'a key in the same place (DPoP, ES256): nobody else can use the token';
    expect(runs[1]?.stdout).toContain(words);
    expect(runs[2]?.stdout).toContain('tokens will be bound to a key (DPoP, ES256)');
    expect(runs[2]?.stdout).toMatch(/accepted by Tools .*the token is bound to a key \(DPoP\) and ends in/u);
    const [inWords, inJson] = [await showStatus(), await showStatus('--json')];
    expect(inWords).toContain(`  bound to  ${words}\n`);
    expect(JSON.parse(inJson)).toMatchObject([{ binding: 'DPoP' }]);
    const files = (await readdir(stateFolder)).filter((name) => name.startsWith('tokens-'));
    const stored = await readFile(path.join(stateFolder, files[0] ?? ''), 'utf8');
    const key = /"d\\?":\\?"([\w-]{43})/u.exec(stored)?.[1] ?? expect.unreachable('the key is stored');
    const shown = [inWords, inJson, ...runs.flatMap(({ stdout, log }) => [stdout, log.text()])];
    for (const text of shown) expect(text).not.toContain(key);
  });
});

describe('doctor', () => {
  it.each([
    ['demanded and announced', {}, [], 'fine', 'tokens will be bound to a key (DPoP, ES256)'],
    ['offered', { optional: true }, [], 'fine', 'ES256), as the server offers'],
    [
      'offered and not wanted',
      { optional: true },
      ['--dpop', 'never'],
      'fine',
      'bearer tokens, as you asked',
    ],
    ['demanded and forbidden', {}, ['--dpop', 'never'], 'wrong', '--dpop never forbids'],
  ])('says what becomes of DPoP that is %s', async (_case, dpop, flags, outcome, words) => {
    const { binding } = await scene({ dpop });
    expect(await binding(...flags)).toMatchObject({
      outcome,
      detail: expect.stringContaining(words) as string,
    });
  });

  it.each([
    ['demanded', {}, 'warning', 'does not announce that it can'],
    ['offered', { optional: true }, 'fine', 'issues no others; the server takes tokens that are bound'],
  ])('says so when DPoP is %s and not announced', async (_case, dpop, outcome, words) => {
    const metadata: Behaviour['metadata'] = (correct) => ({
      ...correct,
      dpop_signing_alg_values_supported: undefined,
    });
    const { binding } = await scene({ dpop, metadata });
    expect(await binding()).toMatchObject({ outcome, detail: expect.stringContaining(words) as string });
  });

  it('says how a server gets bound tokens whose challenge does not offer it', async () => {
    const provider = await AuthorizationServer.start({ dpop: { optional: true } });
    const server = await toolServer({
      provider,
      resourceMetadata: (correct) => ({ ...correct, dpop_signing_alg_values_supported: ['ES256'] }),
    });
    const here = await machine();
    const doctor = async (...flags: string[]): Promise<string> =>
      (await here.run(['doctor', server.resource.href, ...client, ...flags])).stdout;
    expect(await doctor()).toContain('--dpop always asks for them');
    expect(await doctor('--dpop', 'always')).toContain('tokens will be bound to a key (DPoP, ES256)');
  });

  it('says nothing of it where nobody does', async () => {
    const provider = await AuthorizationServer.start();
    const server = await toolServer({ provider });
    const { stdout } = await (await machine()).run(['doctor', server.resource.href, ...client, '--json']);
    expect(stdout).not.toMatch(/binding|DPoP/u);
  });

  it('warns of a bearer token that --dpop always will not use', async () => {
    const { command, binding } = await scene({ dpop: { optional: true } });
    await command('tools', '--dpop', 'never');
    const { stdout } = await command('doctor', '--dpop', 'always');
    expect(stdout).toContain('the token is bound to no key, which --dpop always does not use');
    expect((await binding('--dpop', 'always'))?.outcome).toBe('fine');
  });
});
