// The proxy beside mcp-remote and the floor, at a server that costs nothing.
import { floor, keyhole, mcpRemote, type Stage } from './peers.ts';
import { quantile, spreadOf } from './statistics.ts';
import type { Table } from './table.ts';

const mebibyte = 2 ** 20;
const large = 5 * mebibyte;
const huge = 30 * mebibyte;

/** How much is measured. */
export interface Extent {
  /** Interleaved runs of each peer. */
  readonly runs: number;
  /** Calls one after another, for the latency. */
  readonly calls: number;
  /** Calls with 64 under way, for the throughput. */
  readonly manyCalls: number;
  /** Whether answers of 30 MiB are measured, for which mcp-remote takes its time. */
  readonly withHuge: boolean;
}

type Sample = Readonly<Record<string, number>>;

const columns = [
  { key: 'start', title: 'start to `initialize` reply, ms', digits: 0 },
  { key: 'p50', title: 'p50 per call, ms', digits: 2 },
  { key: 'p99', title: 'p99, ms', digits: 2 },
  { key: 'throughput', title: 'calls/s, 64 in flight', digits: 0 },
  { key: 'json', title: '5 MiB as JSON, ms', digits: 0 },
  { key: 'event', title: '5 MiB as an event, ms', digits: 0 },
  { key: 'resident', title: 'resident after small calls, MiB', digits: 0 },
];

export async function proxyFigures(stage: Stage, extent: Extent): Promise<readonly Table[]> {
  const url = await stage.serve();
  const samples = new Map<string, Sample[]>();
  const order = [mcpRemote, keyhole, floor];
  for (let run = 0; run < extent.runs; run += 1) {
    for (const peer of order) {
      const sample = await measure(stage, peer, url, extent);
      samples.set(peer, [...(samples.get(peer) ?? []), sample]);
    }
  }
  const tableOf = (id: string, title: string, notes: readonly string[], keys = columns): Table => ({
    id,
    title,
    notes,
    columns: keys,
    rows: order.map((name) => ({
      name,
      cells: Object.fromEntries(
        keys.map(({ key }) => {
          const values = (samples.get(name) ?? [])
            .map((sample) => sample[key])
            .filter((value) => value !== undefined);
          return [key, values.length === 0 ? undefined : spreadOf(values)];
        }),
      ),
    })),
    baseline: mcpRemote,
  });
  const tables = [
    tableOf('proxy', 'The proxy', [
      `${extent.runs} interleaved runs, each a new process; medians, and in brackets the middle half.`,
      'A loopback server without sign-in answers in JSON. The floor is `bench/floor.mjs`, which can do nothing but copy.',
      `${extent.calls} calls one after another, then ${extent.manyCalls} with 64 in flight, then three large answers of each kind.`,
    ]),
  ];
  if (extent.withHuge) {
    tables.push(
      tableOf(
        'proxy-huge',
        'Answers of 30 MiB',
        ['One of each kind at the end of a run.'],
        [
          { key: 'hugeJson', title: 'as JSON, ms', digits: 0 },
          { key: 'hugeEvent', title: 'as an event, ms', digits: 0 },
        ],
      ),
    );
  }
  return tables;
}

async function measure(stage: Stage, peer: string, url: string, extent: Extent): Promise<Sample> {
  const host = stage.host(peer, url);
  try {
    const start = await host.initialize();
    const times: number[] = [];
    for (let call = 0; call < extent.calls; call += 1) times.push(await host.call(16));
    times.sort((a, b) => a - b);
    const throughput = await host.throughput(extent.manyCalls, 64);
    const resident = host.memory();
    const json = await thrice(() => host.call(large));
    // The floor does not read events.
    const event = peer === floor ? undefined : await thrice(() => host.call(large, true));
    return {
      start,
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      throughput,
      resident,
      json,
      ...(event === undefined ? {} : { event }),
      ...(extent.withHuge ? { hugeJson: await host.call(huge) } : {}),
      ...(extent.withHuge && event !== undefined ? { hugeEvent: await host.call(huge, true) } : {}),
    };
  } finally {
    await host.close();
  }
}

async function thrice(measureOne: () => Promise<number>): Promise<number> {
  return spreadOf([await measureOne(), await measureOne(), await measureOne()]).median;
}
