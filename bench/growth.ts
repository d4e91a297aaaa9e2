// How the proxy's figures grow with what there is more of.
import { keyhole, type Stage } from './peers.ts';
import { quantile, single, spreadOf, type Spread } from './statistics.ts';
import type { Row, Table } from './table.ts';

export async function growthFigures(stage: Stage, quick: boolean): Promise<readonly Table[]> {
  return [
    await bySize(stage, quick),
    await byTools(stage, quick),
    await byConcurrency(stage, quick),
    await byProxies(stage, quick),
  ];
}

async function bySize(stage: Stage, quick: boolean): Promise<Table> {
  const url = await stage.serve();
  const sizes = [1e3, 1e4, 1e5, 1e6, 1e7, ...(quick ? [] : [5e7])];
  const rows: Row[] = [];
  for (const size of sizes) {
    const host = stage.host(keyhole, url);
    await host.initialize();
    const times = { json: [] as number[], event: [] as number[] };
    for (let run = 0; run < (quick ? 3 : 9); run += 1) {
      times.json.push(await host.call(size));
      times.event.push(await host.call(size, true));
    }
    const memory = host.memory();
    await host.close();
    const [json, event] = [spreadOf(times.json), spreadOf(times.event)];
    const perMegabyte = single(json.median / (size / 1e6));
    rows.push({ name: named(size), cells: { json, event, perMegabyte, memory: single(memory) } });
  }
  return {
    id: 'growth-size',
    title: 'Size of an answer',
    notes: [
      'The bytes travel as they came; resident memory is what was needed for the largest answers so far.',
    ],
    columns: [
      { key: 'json', title: 'as JSON, ms', digits: 2 },
      { key: 'event', title: 'as an event, ms', digits: 2 },
      { key: 'perMegabyte', title: 'JSON, ms per MB', digits: 1 },
      { key: 'memory', title: 'resident, MiB', digits: 0 },
    ],
    rows,
  };
}

async function byTools(stage: Stage, quick: boolean): Promise<Table> {
  const rows: Row[] = [];
  for (const count of [1, 10, 100, 1_000, 5_000]) {
    const url = await stage.serve('--tools', String(count));
    const home = stage.home();
    const cells: Record<string, number[]> = { first: [], list: [], again: [] };
    for (let run = 0; run < (quick ? 1 : 5); run += 1) {
      const host = stage.host(keyhole, url, home);
      cells[run === 0 ? 'first' : 'again']?.push(await host.initialize());
      for (let list = 0; list < 5; list += 1) cells['list']?.push(await host.ask('tools/list'));
      await host.close();
    }
    rows.push({ name: String(count), cells: spreads(cells) });
  }
  return {
    id: 'growth-tools',
    title: 'Tools of a server',
    notes: ['From the second start on the list is remembered in a file.'],
    columns: [
      { key: 'first', title: 'first start, ms', digits: 0 },
      { key: 'again', title: 'later starts, ms', digits: 0 },
      { key: 'list', title: '`tools/list`, ms', digits: 1 },
    ],
    rows,
  };
}

async function byConcurrency(stage: Stage, quick: boolean): Promise<Table> {
  const url = await stage.serve();
  const rows: Row[] = [];
  for (const atOnce of [1, 10, 100, 1_000]) {
    const cells: Record<string, number[]> = { throughput: [], memory: [] };
    for (let run = 0; run < (quick ? 1 : 5); run += 1) {
      const host = stage.host(keyhole, url);
      await host.initialize();
      await host.throughput(200, 10);
      cells['throughput']?.push(await host.throughput(quick ? 1_000 : 5_000, atOnce));
      cells['memory']?.push(host.memory());
      await host.close();
    }
    rows.push({ name: String(atOnce), cells: spreads(cells) });
  }
  return {
    id: 'growth-concurrency',
    title: 'Requests at once',
    notes: ['At most 256 are sent at once; the others wait in the proxy.'],
    columns: [
      { key: 'throughput', title: 'calls/s', digits: 0 },
      { key: 'memory', title: 'resident, MiB', digits: 0 },
    ],
    rows,
  };
}

async function byProxies(stage: Stage, quick: boolean): Promise<Table> {
  const url = await stage.serve();
  const rows: Row[] = [];
  for (const count of [1, 5, 10, ...(quick ? [] : [50])]) {
    const begin = performance.now();
    const hosts = Array.from({ length: count }, () => stage.host(keyhole, url));
    const starts = await Promise.all(hosts.map((host) => host.initialize()));
    const all = performance.now() - begin;
    for (const host of hosts) await host.call(16);
    const own = hosts.map((host) => host.memory('Pss')).reduce((sum, value) => sum + value, 0);
    await Promise.all(hosts.map((host) => host.close()));
    starts.sort((a, b) => a - b);
    rows.push({
      name: String(count),
      cells: {
        first: single(quantile(starts, 0)),
        last: single(all),
        each: single(all / count),
        memory: single(own),
        share: single(own / count),
      },
    });
  }
  return {
    id: 'growth-proxies',
    title: 'Proxies on one machine, started together',
    notes: ['Memory is the proportional set size: what processes share is counted once.'],
    columns: [
      { key: 'first', title: 'first ready, ms', digits: 0 },
      { key: 'last', title: 'all ready, ms', digits: 0 },
      { key: 'each', title: 'ms each', digits: 0 },
      { key: 'memory', title: 'memory in all, MiB', digits: 0 },
      { key: 'share', title: 'MiB each', digits: 0 },
    ],
    rows,
  };
}

function spreads(cells: Readonly<Record<string, readonly number[]>>): Record<string, Spread | undefined> {
  return Object.fromEntries(
    Object.entries(cells).map(([key, values]) => [key, values.length === 0 ? undefined : spreadOf(values)]),
  );
}

function named(bytes: number): string {
  return bytes >= 1e6 ? `${bytes / 1e6} MB` : `${bytes / 1e3} KB`;
}
