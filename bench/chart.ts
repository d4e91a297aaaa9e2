// `npm run chart -w bench`: draws docs/bench.svg from the latest results, Keyhole as a share of mcp-remote.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { keyhole, root } from './peers.ts';
import type { Occasion } from './machine.ts';
import type { Table } from './table.ts';

interface Results {
  readonly occasion: Occasion;
  readonly tables: readonly Table[];
}

/** What is drawn: the tables' columns, and whether more is better. */
const bars = [
  { table: 'install', key: 'packages', title: 'packages that npx fetches', more: false },
  { table: 'install', key: 'download', title: 'bytes that npx fetches', more: false },
  { table: 'proxy', key: 'start', title: 'start to the first answer', more: false },
  { table: 'proxy', key: 'p50', title: 'time of a call', more: false },
  { table: 'proxy', key: 'throughput', title: 'calls a second', more: true },
  { table: 'proxy', key: 'json', title: 'a 5 MiB answer as JSON', more: false },
  { table: 'proxy', key: 'event', title: 'a 5 MiB answer as an event', more: false },
  { table: 'proxy', key: 'resident', title: 'memory', more: false },
];

const results = path.join(root, 'bench', 'results');
const [latest] = readdirSync(results)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .reverse();
if (latest === undefined) throw new Error('There are no results. Run: npm run bench');
const { occasion, tables } = JSON.parse(readFileSync(path.join(results, latest), 'utf8')) as Results;

const rowHeight = 30;
const left = 210;
const width = 760;
const scale = 360;
const lines = bars.flatMap(({ table, key, title, more }) => {
  const found = tables.find(({ id }) => id === table);
  const cell = (name: string | undefined): number =>
    found?.rows.find((row) => row.name === name)?.cells[key]?.median ?? Number.NaN;
  const [ours, theirs] = [cell(keyhole), cell(found?.baseline)];
  const share = ours / theirs;
  return Number.isNaN(share) ? [] : [{ title, share, more, ours, theirs }];
});
const longest = Math.max(1, ...lines.map(({ share }) => share));
const unit = scale / longest;
const height = 64 + lines.length * rowHeight;
const text = (x: number, y: number, words: string, extra = ''): string =>
  `<text x="${x}" y="${y}" ${extra}>${words}</text>`;
const drawn = lines.map(({ title, share, more }, index) => {
  const y = 44 + index * rowHeight;
  const better = more ? share > 1 : share < 1;
  const words = `${share.toFixed(2)} × mcp-remote${more ? ' (more is better)' : ''}`;
  return [
    text(left - 10, y + 15, title, 'text-anchor="end"'),
    `<rect x="${left}" y="${y}" width="${(share * unit).toFixed(1)}" height="20" rx="3" fill="${better ? '#2f855a' : '#b7791f'}"/>`,
    text(left + share * unit + 8, y + 15, words),
  ].join('\n');
});
const mark = left + unit;
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Keyhole's figures as a share of mcp-remote's">
<style>text { font: 13px system-ui, sans-serif; fill: #4a5568 } @media (prefers-color-scheme: dark) { text { fill: #cbd5e0 } }</style>
${text(left, 22, `Keyhole beside mcp-remote, measured in one run on ${occasion.date}`, 'font-weight="600"')}
<line x1="${mark}" x2="${mark}" y1="34" y2="${height - 18}" stroke="#a0aec0" stroke-dasharray="3 3"/>
${drawn.join('\n')}
${text(mark, height - 4, 'mcp-remote', 'text-anchor="middle"')}
</svg>
`;
writeFileSync(path.join(root, 'docs', 'bench.svg'), svg);
console.log(`docs/bench.svg drawn from bench/results/${latest}`);
