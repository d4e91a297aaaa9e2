// What it costs the proxy to prove with each request that it has the key of its token (RFC 9449).
import path from 'node:path';
import { Host } from './host.ts';
import { root, type Stage } from './peers.ts';
import type { Extent } from './proxy-figures.ts';
import { quantile, spreadOf } from './statistics.ts';
import type { Table } from './table.ts';

const columns = [
  { key: 'p50', title: 'p50 per call, ms', digits: 3 },
  { key: 'p99', title: 'p99, ms', digits: 2 },
  { key: 'throughput', title: 'calls/s, 64 in flight', digits: 0 },
  { key: 'resident', title: 'resident, MiB', digits: 0 },
];
type Sample = Readonly<Record<string, number>>;

export async function dpopFigures(
  stage: Stage,
  extent: Pick<Extent, 'runs' | 'calls' | 'manyCalls'>,
): Promise<readonly Table[]> {
  const servers = {
    'no token': await stage.serve(),
    'bearer token': await stage.serve('--sign-in', 'Bearer'),
    'token bound to a key': await stage.serve('--sign-in', 'DPoP'),
  };
  const samples = new Map<string, Sample[]>();
  for (let run = 0; run < extent.runs; run += 1) {
    for (const [name, url] of Object.entries(servers)) {
      samples.set(name, [...(samples.get(name) ?? []), await measure(stage, url, extent)]);
    }
  }
  const rows = [...samples].map(([name, some]) => ({
    name,
    cells: Object.fromEntries(
      columns.map(({ key }) => [key, spreadOf(some.map((sample) => sample[key] ?? Number.NaN))]),
    ),
  }));
  return [
    {
      id: 'dpop',
      title: 'DPoP, in the proxy',
      notes: [
        `${extent.runs} interleaved runs, each a new process; ${extent.calls} calls one after another, then ${extent.manyCalls} with 64 in flight.`,
        'A loopback server that takes every token and verifies no proof: what is measured is making them (ES256).',
      ],
      columns,
      rows,
      baseline: 'bearer token',
    },
  ];
}

async function measure(
  stage: Stage,
  url: string,
  { calls, manyCalls }: Pick<Extent, 'calls' | 'manyCalls'>,
): Promise<Sample> {
  const client = JSON.stringify({ client_id: 'bench', client_secret: 'bench' });
  const flags = ['--token-store', 'memory', '--client-credentials', '--static-oauth-client-info', client];
  const proxy = path.join(root, 'packages/proxy/bin/mcp-keyhole.js');
  const host = new Host([process.execPath, proxy, url, ...flags], stage.environment(stage.home()));
  try {
    await host.initialize();
    const times: number[] = [];
    for (let call = 0; call < calls; call += 1) times.push(await host.call(16));
    times.sort((a, b) => a - b);
    const throughput = await host.throughput(manyCalls, 64);
    return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), throughput, resident: host.memory() };
  } finally {
    await host.close();
  }
}
