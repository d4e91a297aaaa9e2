// `--data`: what is known survives a restart, however the process ended.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { api, bearer, member, registerClient, SignIn } from '../support/client.ts';
import { differences } from '../../src/pages/differences.ts';
import { EmulatorProcess } from '../support/emulator-process.ts';

let folder: string;
let data: string;
const running: { close(): Promise<void> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'emulator-'));
  data = path.join(folder, 'data');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((emulator) => emulator.close()));
  await rm(folder, { recursive: true });
});

async function start(): Promise<Emulator> {
  const emulator = await startEmulator({ port: 0, data });
  running.push(emulator);
  return emulator;
}

/** Creates applications, eight at a time, and kills the emulator in between. @returns the ids that were answered */
async function killWhileWriting(emulator: EmulatorProcess): Promise<string[]> {
  const answered: string[] = [];
  const write = async (writer: number): Promise<void> => {
    for (let count = 0; ; count += 1) {
      const application = { name: `Writer ${writer}, ${count}`, data: { filler: 'x'.repeat(20_000) } };
      const { body } = await api(emulator, 'POST', '/api/application', { application });
      answered.push(String(member(body, 'application')['id']));
      if (answered.length === 50) await emulator.kill();
    }
  };
  // Each ends when its connection does.
  for (const { status, reason } of (await Promise.allSettled(
    [0, 1, 2, 3, 4, 5, 6, 7].map(write),
  )) as PromiseRejectedResult[]) {
    expect(`${status} ${String(reason)}`).toMatch(/^rejected TypeError: (?:fetch failed|terminated)$/u);
  }
  expect(answered.length).toBeGreaterThanOrEqual(50);
  return answered;
}

describe('a restart with --data', () => {
  // Windows has no SIGKILL of its own, and no modes.
  it.runIf(process.platform !== 'win32')(
    'after SIGKILL in the middle of writing knows what was answered: users, clients, keys, sessions, consents, refresh tokens',
    async () => {
      const first = await EmulatorProcess.start('--data', data);
      running.push(first);
      const clientId = await registerClient(first, { consentMode: 'RememberDecision' });
      const user = await api(first, 'POST', '/api/user', {
        user: { email: 'kept@example.com', password: 'password' },
      });
      const signIn = new SignIn(first, clientId);
      const tokens = await signIn.tokens();
      const { keys } = (await (await fetch(`${first.url}/.well-known/jwks.json`)).json()) as {
        keys: unknown;
      };
      const answered = await killWhileWriting(first);

      const second = await EmulatorProcess.start('--data', data, '--port', String(first.port));
      running.push(second);
      const again = new SignIn(second, clientId, signIn.browser);
      const jwks = (await (await fetch(`${second.url}/.well-known/jwks.json`)).json()) as object;
      const found = await api(second, 'GET', '/api/user?email=kept@example.com');
      expect(jwks).toEqual({ keys });
      expect(member(found.body, 'user')['id']).toBe(member(user.body, 'user')['id']);
      expect((await again.refresh(tokens['refresh_token'])).status).toBe(200);
      expect((await bearer(second, '/api/jwt/validate', tokens['access_token'])).status).toBe(200);
      // The session and the remembered consent: nothing is asked.
      expect((await again.authorize()).url.searchParams.get('code')).not.toBeNull();
      const missing = [];
      for (const id of answered) {
        if ((await api(second, 'GET', `/api/application/${id}`)).status !== 200) missing.push(id);
      }
      expect(missing).toEqual([]);
      expect((await stat(data)).mode & 0o777).toBe(0o700);
      expect((await stat(path.join(data, 'state.jsonl'))).mode & 0o777).toBe(0o600);
    },
  );

  it('remembers what was changed, deleted and revoked, and runs no kickstart again', async () => {
    const first = await start();
    const clientId = await registerClient(first);
    const gone = await registerClient(first);
    const tokens = await new SignIn(first, clientId).tokens();
    await api(first, 'DELETE', `/api/jwt/refresh/${String(tokens['refresh_token_id'])}`);
    await api(first, 'DELETE', `/api/application/${gone}?hardDelete=true`);
    await api(first, 'PATCH', `/api/application/${clientId}`, { application: { name: 'Renamed' } });
    await first.close();
    const second = await start();
    const application = await api(second, 'GET', `/api/application/${clientId}`);
    expect(second.apiKey).toBe(first.apiKey);
    expect(member(application.body, 'application')).toMatchObject({ name: 'Renamed', id: clientId });
    expect((await api(second, 'GET', `/api/application/${gone}`)).status).toBe(404);
    expect((await new SignIn(second, clientId).refresh(tokens['refresh_token'])).status).toBe(400);
  });

  it('is told by the page at /, with what differs from FusionAuth', async () => {
    const page = async ({ url }: Emulator): Promise<string> => (await fetch(url)).text();
    const kept = await page(await start());
    expect(kept).toContain(data);
    expect(kept).not.toContain('forgets everything');
    const inMemory = await startEmulator({ port: 0 });
    running.push(inMemory);
    expect(await page(inMemory)).toContain('forgets everything');
    const plain = (text: string): string =>
      text
        .replaceAll(/<\/?code>/gu, '`')
        .replaceAll('&#39;', "'")
        .replaceAll('&quot;', '"');
    const texts = [plain(kept), plain(await page(inMemory))];
    for (const sentence of differences) for (const text of texts) expect(text).toContain(sentence);
  });

  it('is refused while another emulator has the folder', async () => {
    await start();
    await expect(startEmulator({ port: 0, data })).rejects.toMatchObject({ code: 'data-in-use' });
  });

  it('is refused where nothing can be written', async () => {
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    await expect(startEmulator({ port: 0, data: file })).rejects.toMatchObject({ code: 'data-unusable' });
  });
});

describe('a data file that is damaged', () => {
  const file = (): string => path.join(data, 'state.jsonl');
  it.each<[string, (text: string) => string, string]>([
    ['no file of ours', () => '{"something":"else"}\n', 'first line'],
    ['broken within', (text) => text.replace('["keys"', '["ke'), 'is not JSON'],
    ['cut off', (text) => text.slice(0, text.length / 2), 'ends within a line'],
    ['empty', () => '', 'line 1 is not JSON'],
  ])('is refused and left untouched: %s', async (_name, damage, problem) => {
    await (await start()).close();
    const damaged = damage(await readFile(file(), 'utf8'));
    await writeFile(file(), damaged);
    await expect(startEmulator({ port: 0, data })).rejects.toMatchObject({
      code: 'data-damaged',
      message: expect.stringContaining(problem) as string,
      remedy: expect.stringContaining('move it away') as string,
    });
    expect(await readFile(file(), 'utf8')).toBe(damaged);
  });

  it('loses only a last line that was never finished', async () => {
    const first = await start();
    const clientId = await registerClient(first);
    await first.close();
    await writeFile(file(), `${await readFile(file(), 'utf8')}["users","half`);
    const second = await start();
    expect((await api(second, 'GET', `/api/application/${clientId}`)).status).toBe(200);
  });
});
