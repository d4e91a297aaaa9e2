// What a sign-in that is in the keychain adds to the start, and what further sign-ins beside it do.
import path from 'node:path';
import { Browser } from '../e2e/support/browser.ts';
import { Desktop, entryOf } from '../e2e/support/desktop.ts';
import { freePort } from '../e2e/support/free-port.ts';
import { Processes } from '../e2e/support/processes.ts';
import { System } from '../e2e/support/system.ts';
import { Host } from './host.ts';
import { root } from './peers.ts';
import { single, spreadOf, type Spread } from './statistics.ts';
import type { Row, Table } from './table.ts';

const columns = [{ key: 'start', title: 'start to `initialize` reply, ms', digits: 0 }];

export async function signInFigures(runs: number): Promise<readonly Table[]> {
  const [system, browser, desktop] = await Promise.all([System.start(), Browser.start(), Desktop.start()]);
  const processes = new Processes();
  try {
    const { args } = entryOf(await system.register('Bench', await freePort()));
    const openUrl = await startOpenServer(processes);
    const bin = path.join(root, 'packages/proxy/bin/mcp-keyhole.js');
    const signedIn = [bin, ...args.slice(1)];
    const first = new Host([process.execPath, ...signedIn], desktop.env);
    const greeted = first.initialize();
    await desktop.signIn(browser);
    await greeted;
    await first.ask('tools/call', { name: 'get_name', arguments: {} });
    await first.close();
    const kinds = { 'without sign-in': [bin, openUrl], 'with a sign-in in the keychain': signedIn };
    const starts = new Map<string, number[]>();
    for (let run = 0; run < runs; run += 1) {
      for (const [kind, command] of Object.entries(kinds)) {
        const host = new Host([process.execPath, ...command], desktop.env);
        starts.set(kind, [...(starts.get(kind) ?? []), await host.initialize()]);
        await host.close();
      }
    }
    const growth = await growthOfStore(desktop, processes, signedIn, runs);
    return [
      {
        id: 'sign-in',
        title: 'Start with a sign-in',
        notes: [
          `${runs} interleaved starts at Keyhole's own server, which validates the token with the emulator; GNOME Keyring.`,
        ],
        columns,
        rows: [...starts].map(([name, values]) => ({ name, cells: { start: spreadOf(values) } })),
        baseline: 'without sign-in',
      },
      growth,
    ];
  } finally {
    await processes.close();
    await desktop.close();
    await browser.close();
    await system.close();
  }
}

/** What sign-ins at other servers change for one of them. */
async function growthOfStore(
  desktop: Desktop,
  processes: Processes,
  signedIn: readonly string[],
  runs: number,
): Promise<Table> {
  const rows: Row[] = [];
  let kept = 1;
  for (const count of [1, 10, 50, 200]) {
    const cells: Record<string, Spread> = {};
    if (count > kept) {
      const args = ['--import', 'tsx', path.join(root, 'bench/fill-store.ts'), String(kept), String(count)];
      const filling = processes.start('fill-store', process.execPath, args, { env: desktop.env, cwd: root });
      if ((await filling.ended) !== 0)
        throw new Error(`The keychain could not be filled.\n${filling.stderr}`);
      cells['save'] = single(Number(filling.stdout));
      kept = count;
    }
    const starts: number[] = [];
    const lists: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const host = new Host([process.execPath, ...signedIn], desktop.env);
      starts.push(await host.initialize());
      await host.close();
      const begin = performance.now();
      const listing = desktop.terminal(['status']);
      if ((await listing.ended) !== 0) throw new Error(`status failed.\n${listing.stderr}`);
      lists.push(performance.now() - begin);
    }
    rows.push({ name: String(count), cells: { ...cells, start: spreadOf(starts), status: spreadOf(lists) } });
  }
  return {
    id: 'growth-store',
    title: 'Sign-ins in the keychain',
    notes: [
      'Saving includes reading back and the index, a file; the median of those that were added. `status` reads every one.',
    ],
    columns: [
      ...columns,
      { key: 'save', title: 'saving one more, ms', digits: 1 },
      { key: 'status', title: '`mcp-keyhole status`, ms', digits: 0 },
    ],
    rows,
  };
}

/** The same server without authentication. */
async function startOpenServer(processes: Processes): Promise<string> {
  const port = await freePort();
  const env = { PATH: process.env['PATH'] ?? '', AUTH: 'off', PORT: String(port) };
  await processes.startBin('mcp-keyhole-server', [], { env }).prints('stdout', /"msg":"listening"/u);
  return `http://localhost:${port}/mcp`;
}
