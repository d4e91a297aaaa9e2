// `npm run bench`: Keyhole beside its peers in one run. Prints the tables, and keeps them in bench/results. `--quick` takes
// less than a minute; names of parts (proxy, growth, dpop, sign-in, install, profile, idle, server) measure only those.
// `--connections N`: how many requests are under way at once at the server.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { occasion } from './machine.ts';
import { root, Stage } from './peers.ts';
import { inMarkdown, type Table } from './table.ts';

const { values, positionals } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    connections: { type: 'string', default: '32' },
  },
  allowPositionals: true,
});
const { quick } = values;
const connections = Number(values.connections);
if (!Number.isInteger(connections) || connections < 1) {
  console.error('--connections is a number of connections, such as 32.');
  process.exit(2);
}

// Each is loaded when its turn comes: this process is the host that is timed, and collects its garbage faster while it is small.
const parts: Readonly<Record<string, (stage: Stage) => Promise<readonly Table[]>>> = {
  proxy: async (stage) =>
    (await import('./proxy-figures.ts')).proxyFigures(
      stage,
      quick
        ? { runs: 3, calls: 200, manyCalls: 1_000, withHuge: false }
        : { runs: 9, calls: 1_000, manyCalls: 5_000, withHuge: true },
    ),
  growth: async (stage) => (await import('./growth.ts')).growthFigures(stage, quick),
  dpop: async (stage) =>
    (await import('./dpop.ts')).dpopFigures(
      stage,
      quick ? { runs: 3, calls: 200, manyCalls: 1_000 } : { runs: 9, calls: 1_000, manyCalls: 5_000 },
    ),
  'sign-in': async () => (await import('./sign-in.ts')).signInFigures(quick ? 3 : 9),
  install: async () => (await import('./install.ts')).installFigures(quick ? 1 : 5),
  profile: async (stage) => (await import('./profile.ts')).profileFigures(stage, quick ? 1 : 3),
  idle: async () =>
    (await import('./idle.ts')).idleFigures(
      quick ? { streams: 1_000, kept: 1_000, starts: 3 } : { streams: 10_000, kept: 5_000, starts: 15 },
    ),
  server: async () =>
    (await import('./server-figures.ts')).serverFigures(
      quick ? { rounds: 3, calls: 500, connections } : { rounds: 40, calls: 1_200, connections },
      { inContainer: !quick },
    ),
};
/** What fits into a minute. */
const quickParts = ['proxy', 'server'];

const unknown = positionals.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. Parts: ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? positionals : quick ? quickParts : Object.keys(parts);
const where = occasion();
const description =
  `${where.date}, commit ${where.commit}: Node ${where.node}, ${where.cores} × ${where.processor}, ` +
  `${where.memoryGiB} GiB, ${where.system}\n`;
console.log(description);
const stage = new Stage();
const tables: Table[] = [];
try {
  for (const name of chosen) {
    for (const table of (await parts[name]?.(stage)) ?? []) {
      console.log(inMarkdown(table));
      tables.push(table);
    }
  }
} finally {
  await stage.close();
}
if (!quick && positionals.length === 0) {
  const folder = path.join(root, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  // In the order in which they were measured: the chart is drawn from the last.
  const time = new Date().toISOString().slice(0, 16).replace(':', '');
  const file = path.join(folder, `${time}-${where.commit}`);
  writeFileSync(`${file}.json`, `${JSON.stringify({ occasion: where, tables }, null, 1)}\n`);
  writeFileSync(`${file}.md`, [description, ...tables.map(inMarkdown)].join('\n'));
  console.log(`kept in ${path.relative(root, file)}.json and .md`);
}
