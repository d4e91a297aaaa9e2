// The setup tool on a real pseudo terminal: what is asked there unseen, and Ctrl+C in the middle.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { startEmulator, type Emulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startInterference, type LoopbackServer } from '../packages/setup/test/support/loopback-server.ts';
import { PrivateHome } from './support/private-home.ts';
import { Processes, type RunningProcess } from './support/processes.ts';
import { binFile, program } from './support/programs.ts';

const ctrlC = '\u0003';
const size = 40;

let emulator: Emulator;
let front: LoopbackServer;
let home: PrivateHome;
let processes: Processes;
let file: string;

beforeEach(async () => {
  emulator = await startEmulator({ port: 0 });
  front = await startInterference(emulator.url, () => undefined);
  home = new PrivateHome();
  processes = new Processes();
  file = path.join(home.folder, 'clients.yaml');
  const clients = Array.from({ length: size }, (_value, index) => `  - { name: Client ${String(index)} }`);
  const heads = ['resources: { main: https://mcp.example.com/mcp }', 'scopes: { get_name: }'];
  writeFileSync(
    file,
    [...heads, 'defaults: { resources: [main], scopes: [get_name] }', 'clients:', ...clients].join('\n'),
  );
});
afterEach(async () => {
  await processes.close();
  await front.close();
  await emulator.close();
  home.remove();
});

/** The setup tool on a terminal of 100 columns and 30 rows, which echoes what is typed unless the program forbids it. */
function onTerminal(...words: readonly string[]): RunningProcess {
  const quoted = [process.execPath, binFile('mcp-keyhole-setup'), ...words]
    .map((word) => `'${word}'`)
    .join(' ');
  const command = `stty cols 100 rows 30; ${quoted}`;
  return processes.start('setup', program('script'), ['-qefc', command, '/dev/null'], {
    env: { ...home.env, TERM: 'xterm' },
  });
}

/** How many clients of the file FusionAuth has, with their scope. */
async function madeClients(): Promise<number> {
  const response = await fetch(`${emulator.url}/api/application`, {
    headers: { authorization: emulator.apiKey ?? '' },
  });
  const { applications } = (await response.json()) as { applications: { name: string; scopes: unknown[] }[] };
  const made = applications.filter(({ name }) => name.startsWith('Client '));
  for (const { scopes } of made) expect(scopes).toHaveLength(1);
  return made.length;
}

/** Makes each creation take so long that there is a middle. */
async function slowDown(milliseconds: number): Promise<void> {
  const faults = [{ kind: 'slow', milliseconds, path: '/api/application', method: 'POST' }];
  await fetch(`${emulator.url}/emulator/faults`, {
    method: 'PUT',
    headers: { authorization: emulator.apiKey ?? '', 'content-type': 'application/json' },
    body: JSON.stringify({ faults }),
  });
}

/** A FusionAuth that is not this machine by its name, so that the demo key is not tried; it is nevertheless. */
const elsewhere = (): string => `http://0.0.0.0:${new URL(front.url).port}`;
const question = /API key of FusionAuth at http:\/\/0\.0\.0\.0/u;

test('the API key is asked for on a terminal where there is none, and is never shown', async () => {
  const key = emulator.apiKey ?? '';
  const list = onTerminal('list', '--all', '--fusionauth-url', elsewhere());
  await list.prints('stdout', question);
  list.type(`${key}\r`);
  expect(await list.ended).toBe(0);
  expect(list.stdout).toContain('FusionAuth');
  expect(list.stdout).not.toContain(key);
  expect(list.stdout).not.toContain(key.slice(0, 8));
  expect(front.requests.length).toBeGreaterThan(0);
});

test('a key that FusionAuth refuses ends with the reason; nothing typed is sent before it is whole', async () => {
  const list = onTerminal('list', '--fusionauth-url', elsewhere());
  await list.prints('stdout', question);
  list.type('\r');
  await list.prints('stdout', /one word of ASCII/u);
  expect(front.requests).toEqual([]);
  list.type('not-the-key\r');
  expect(await list.ended).toBe(1);
  expect(list.stdout).toContain('[api-key-refused]');
  expect(list.stdout).not.toContain('not-the-key');
});

test('Ctrl+C at the question for the key ends it, with nothing sent', async () => {
  const list = onTerminal('list', '--fusionauth-url', elsewhere());
  await list.prints('stdout', question);
  list.type(ctrlC);
  expect(await list.ended).toBe(1);
  expect(list.stdout).toContain('[cancelled]');
  expect(front.requests).toEqual([]);
});

test('Ctrl+C in the middle of apply finishes what is under way, says what is done, and a second run does the rest', async () => {
  await slowDown(40);
  const apply = onTerminal('apply', file, '--concurrency', '2', '--fusionauth-url', emulator.url);
  await apply.prints('stdout', /Change FusionAuth at/u);
  apply.type('y');
  await apply.prints('stdout', /1\d of 40/u);
  apply.type(ctrlC);
  expect(await apply.ended).toBe(130);

  const text = apply.stdout.replaceAll('\r\n', '\n');
  const [, created = ''] = /^Created (\d+), changed 0, removed 0\.$/mu.exec(text) ?? [];
  const done = Number(created);
  expect(done).toBeGreaterThanOrEqual(10);
  expect(done).toBeLessThan(size);
  expect(text).toContain(`Interrupted: ${created} done, 0 failed, ${String(size - done)} not begun.`);
  expect(text).toContain('[interrupted]');
  expect(await madeClients()).toBe(done);

  const again = await processes.runBin(
    'mcp-keyhole-setup',
    ['apply', file, '--yes', '--fusionauth-url', emulator.url],
    {
      env: home.env,
    },
  );
  expect(again.exit, again.stderr).toBe(0);
  expect(again.stdout).toContain(`Created ${String(size - done)}, changed 0, removed 0.`);
  expect(await madeClients()).toBe(size);
});

test('SIGTERM in the middle of apply is told by 143, and in JSON by each client that was not begun', async () => {
  await slowDown(40);
  const argv = ['apply', file, '--yes', '--json', '--concurrency', '2', '--fusionauth-url', emulator.url];
  const apply = processes.startBin('mcp-keyhole-setup', argv, { env: home.env });
  await apply.prints('stderr', /8 of 40/u);
  process.kill(apply.pid, 'SIGTERM');
  expect(await apply.ended).toBe(143);
  const { entries } = JSON.parse(apply.stdout) as { entries: { outcome: string }[] };
  const done = entries.filter(({ outcome }) => outcome === 'done').length;
  expect(entries.filter(({ outcome }) => outcome === 'not-begun')).toHaveLength(size - done);
  expect(await madeClients()).toBe(done);
});
