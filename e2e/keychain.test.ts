import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { KeychainSession } from './support/keychain-session.ts';
import { PrivateHome } from './support/private-home.ts';
import { Processes, type RunningProcess } from './support/processes.ts';

const probeFile = path.join(import.meta.dirname, 'support', 'keychain-probe.ts');

interface Scene {
  readonly keychain: KeychainSession;
  readonly save: (tokens: object) => Promise<void>;
  readonly load: () => Promise<unknown>;
  readonly probe: (action: string, ...args: string[]) => RunningProcess;
}

async function scene(): Promise<Scene> {
  const home = new PrivateHome();
  const keychain = await KeychainSession.start(home);
  const processes = new Processes();
  onTestFinished(async () => {
    await processes.close();
    await keychain.close();
    home.remove();
  });
  const stateFolder = path.join(home.folder, 'state');
  const probe = (action: string, ...args: string[]): RunningProcess =>
    processes.start('probe', process.execPath, ['--import', 'tsx', probeFile, action, stateFolder, ...args], {
      env: keychain.env,
      cwd: path.join(import.meta.dirname, '..'),
    });
  const run = async (action: string, ...args: string[]): Promise<string> => {
    const running = probe(action, ...args);
    if ((await running.ended) !== 0) throw new Error(running.stderr);
    return running.stdout;
  };
  return {
    keychain,
    probe,
    save: async (tokens) => {
      const file = path.join(home.folder, 'tokens.json');
      writeFileSync(file, JSON.stringify(tokens));
      await run('save', file);
    },
    load: async () => JSON.parse(await run('load')) as unknown,
  };
}

const tokensWith = (accessToken: string): object => ({
  accessToken,
  refreshToken: 'refresh-1',
  issuer: 'https://login.example.com',
});

test.each([1, 10, 100])('the Secret Service keeps a sign-in of %i KB, in one item', async (kilobytes) => {
  const { keychain, save, load } = await scene();
  const tokens = tokensWith(randomBytes(kilobytes * 768).toString('base64url'));
  await save(tokensWith('an earlier one'));
  await save(tokens);
  expect(await load()).toEqual(tokens);
  expect(await keychain.search()).toHaveLength(1);
});

test('the Secret Service keeps every character', async () => {
  const { save, load } = await scene();
  const tokens = tokensWith('Grüße, 世界, 👩‍🚀, \u0000 and \u202e');
  await save(tokens);
  expect(await load()).toEqual(tokens);
});

test('a keychain that dies mid-way is an error, not "signed out", and works again with the daemon', async () => {
  const { keychain, save, load, probe } = await scene();
  const tokens = tokensWith('access-1');
  await save(tokens);
  const running = probe('load-again');
  await running.prints('stdout', /access-1.*\n/u);
  await keychain.kill();
  running.type('again\n');
  running.endInput();
  expect(await running.ended).toBe(0);
  const [, second = ''] = running.stdout.split('\n');
  expect(JSON.parse(second)).toEqual({ code: expect.stringMatching(/^keychain-/u) as string });
  await keychain.revive();
  // The bus may still lead to the locked daemon that it started itself, until that has given way.
  await expect.poll(load, { timeout: 15_000 }).toEqual(tokens);
});
