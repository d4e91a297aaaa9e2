// A whole company's clients in one run: from nothing, interrupted by SIGKILL and resumed, listed, and removed again, with
// the seconds and the requests that each takes.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { startEmulator } from '@mcp-keyhole/fusionauth-emulator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PrivateHome } from '../support/private-home.ts';
import { Processes } from '../support/processes.ts';
import { printFigures } from '../support/crowd.ts';

const size = 1_000;

interface Outcome {
  readonly entries: readonly { readonly action: string; readonly outcome: string }[];
  readonly left: number;
}

let emulator: Awaited<ReturnType<typeof startEmulator>>;
let requests = 0;
const home = new PrivateHome();
const processes = new Processes();
const figures: string[] = [];

beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
});

afterAll(async () => {
  printFigures(`${String(size)} clients`, figures);
  await processes.close();
  await emulator.close();
  home.remove();
});

/** A file with so many clients, every tenth of them with a secret. */
function fileOf(count: number, set: string): string {
  const file = path.join(home.folder, `${set}-${String(count)}.yaml`);
  const clients = Array.from({ length: count }, (_value, index) => {
    const kind = index % 10 === 0 ? ', for: claude.ai' : '';
    return `  - { name: ${set} ${String(index)}${kind} }`;
  });
  writeFileSync(
    file,
    [
      `set: ${set}`,
      'resources: { main: https://mcp.example.com/mcp }',
      'scopes: { get_name: }',
      'defaults: { resources: [main], scopes: [get_name] }',
      count === 0 ? 'clients: []' : 'clients:',
      ...clients,
    ].join('\n'),
  );
  return file;
}

/** Runs the setup tool to its end, and notes what it took. */
async function run(what: string, ...words: readonly string[]): Promise<string> {
  const before = emulator.requests.length;
  const begin = performance.now();
  const argv = [...words, '--json', '--fusionauth-url', emulator.url];
  const { exit, stdout, stderr } = await processes.runBin('mcp-keyhole-setup', argv, { env: home.env });
  expect(exit, stderr).toBe(0);
  const seconds = (performance.now() - begin) / 1_000;
  requests = emulator.requests.length - before;
  figures.push(
    `${what.padEnd(44)} ${seconds.toFixed(1).padStart(6)} s ${String(requests).padStart(6)} requests`,
  );
  return stdout;
}

async function apply(what: string, file: string, ...flags: readonly string[]): Promise<Outcome> {
  return JSON.parse(await run(what, 'apply', file, '--yes', ...flags)) as Outcome;
}

const countOf = ({ entries }: Outcome, action: string): number =>
  entries.filter((entry) => entry.action === action && entry.outcome === 'done').length;

test('a thousand clients are made in one run, left by the next, listed and removed', async () => {
  const file = fileOf(size, 'company');
  expect(countOf(await apply('apply, from nothing', file), 'create')).toBe(size);
  // One creation and one scope each, and the pages of the list.
  expect(requests).toBeLessThan(2 * size + 20);
  expect(await apply('apply again', file)).toMatchObject({ entries: [], left: size });
  expect(requests).toBeLessThan(20);
  const clients = JSON.parse(await run('list', 'list')) as unknown[];
  expect(clients).toHaveLength(size);
  const fewer = await apply('apply --prune, half of them', fileOf(size / 2, 'company'), '--prune');
  expect([countOf(fewer, 'remove'), fewer.left]).toEqual([size / 2, size / 2]);
  const none = await apply('apply --prune, an empty file', fileOf(0, 'company'), '--prune');
  expect(countOf(none, 'remove')).toBe(size / 2);
  expect(JSON.parse(await run('list, of none', 'list'))).toEqual([]);
});

test('a run that is killed half-way is resumed: each client there once, and whole', async () => {
  const file = fileOf(size, 'killed');
  const argv = ['apply', file, '--yes', '--fusionauth-url', emulator.url];
  const killed = processes.startBin('mcp-keyhole-setup', argv, { env: home.env });
  await killed.prints('stderr', /5\d\d of 1000/u, 120_000);
  process.kill(killed.pid, 'SIGKILL');
  expect(await killed.ended).toBe('SIGKILL');
  const resumed = await apply('apply, resumed after SIGKILL half-way', file);
  const [created, mended] = [countOf(resumed, 'create'), countOf(resumed, 'change')];
  figures.push(
    `  of which ${String(created)} created, ${String(mended)} completed, ${String(resumed.left)} left`,
  );
  expect(created + mended + resumed.left).toBe(size);
  expect(resumed.left).toBeGreaterThan(400);
  expect(created).toBeGreaterThan(300);
  const clients = JSON.parse(await run('list', 'list')) as { name: string; scopes: string[] }[];
  expect(new Set(clients.map(({ name }) => name)).size).toBe(size);
  expect(clients).toHaveLength(size);
  for (const { scopes } of clients) expect(scopes).toEqual(['get_name']);
});
