// `npm run chart -w bench`: draws docs/bench.svg from the latest results: what Keyhole needs of what mcp-remote needs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { keyhole, root } from './peers.ts';
import type { Occasion } from './machine.ts';
import type { Table } from './table.ts';

interface Results {
  readonly occasion: Occasion;
  readonly tables: readonly Table[];
}

/** A line of the chart: less is better in each. */
interface Line {
  readonly table: string;
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly digits?: number;
  /** What the column's figure comes to in that unit. */
  readonly from?: (figure: number) => number;
}

const lines: readonly Line[] = [
  { table: 'install', key: 'packages', title: 'packages that npx fetches', unit: '' },
  { table: 'install', key: 'download', title: 'what npx fetches', unit: ' MiB', digits: 1 },
  { table: 'install', key: 'seconds', title: 'the time that takes', unit: ' s', digits: 1 },
  { table: 'proxy', key: 'start', title: 'start to the first answer', unit: ' ms' },
  { table: 'proxy', key: 'p50', title: 'a call', unit: ' ms', digits: 2 },
  {
    table: 'proxy',
    key: 'throughput',
    title: '1,000 calls, 64 at a time',
    unit: ' ms',
    from: (callsPerSecond) => 1_000_000 / callsPerSecond,
  },
  { table: 'proxy', key: 'json', title: 'an answer of 5 MiB', unit: ' ms' },
  { table: 'proxy', key: 'event', title: 'the same as an event', unit: ' ms' },
  { table: 'proxy-huge', key: 'hugeEvent', title: 'an event of 30 MiB', unit: ' ms' },
  { table: 'proxy', key: 'resident', title: 'memory', unit: ' MiB' },
];

const results = path.join(root, 'bench', 'results');
const [latest] = readdirSync(results)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .reverse();
if (latest === undefined) throw new Error('There are no results. Run: npm run bench');
const { occasion, tables } = JSON.parse(readFileSync(path.join(results, latest), 'utf8')) as Results;

const rowHeight = 28;
const left = 190;
const whole = 330;
const top = 62;
const width = 760;
const height = top + lines.length * rowHeight + 6;

const text = (x: number, y: number, words: string, attributes = ''): string =>
  `<text x="${x}" y="${y}" ${attributes}>${words}</text>`;
const bar = (y: number, length: number, kind: string): string =>
  `<rect class="${kind}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="18" rx="3"/>`;

const rows = lines.map((line, index) => {
  const [ours, theirs] = figuresOf(line);
  const y = top + index * rowHeight;
  const said = (figure: number): string => `${figure.toFixed(line.digits ?? 0)}${line.unit}`;
  return [
    text(left - 10, y + 14, line.title, 'text-anchor="end"'),
    bar(y, whole, 'theirs'),
    bar(y, Math.max(1, (whole * ours) / theirs), 'ours'),
    text(left + whole + 12, y + 14, `<tspan font-weight="600">${said(ours)}</tspan> of ${said(theirs)}`),
  ].join('\n');
});

/** Keyhole's median, and mcp-remote's. */
function figuresOf({ table, key, from = (figure) => figure }: Line): [ours: number, theirs: number] {
  const found = tables.find(({ id }) => id === table);
  const cell = (name: string | undefined): number => {
    const median = found?.rows.find((row) => row.name === name)?.cells[key]?.median;
    if (median === undefined) throw new Error(`${String(latest)} has no ${key} in the table ${table}.`);
    return from(median);
  };
  return [cell(keyhole), cell(found?.baseline)];
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="What Keyhole needs of what mcp-remote needs">
<style>
text { font: 13px system-ui, sans-serif; fill: #4a5568 }
.ours { fill: #2f855a }
.theirs { fill: #a0aec0; fill-opacity: 0.35 }
@media (prefers-color-scheme: dark) { text { fill: #cbd5e0 } .ours { fill: #48bb78 } }
</style>
${text(left, 22, `Measured in one run on ${occasion.date}, Node.js ${occasion.node}, ${occasion.cores} cores; less is better`)}
<rect class="ours" x="${left}" y="34" width="12" height="12" rx="2"/>
${text(left + 18, 45, 'Keyhole')}
<rect class="theirs" x="${left + 84}" y="34" width="12" height="12" rx="2"/>
${text(left + 102, 45, 'mcp-remote')}
${rows.join('\n')}
</svg>
`;
writeFileSync(path.join(root, 'docs', 'bench.svg'), svg);
console.log(`docs/bench.svg drawn from bench/results/${latest}`);
