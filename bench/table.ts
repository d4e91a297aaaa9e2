import type { Spread } from './statistics.ts';

export interface Column {
  readonly key: string;
  readonly title: string;
  /** Digits after the point. */
  readonly digits: number;
}

export interface Row {
  readonly name: string;
  readonly cells: Readonly<Record<string, Spread | undefined>>;
}

/** What was measured, as it is printed and as it is kept. */
export interface Table {
  /** Stable, for the chart and for comparisons over time. */
  readonly id: string;
  readonly title: string;
  /** What the figures mean and how they came about. */
  readonly notes: readonly string[];
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** The row that the others are compared with. */
  readonly baseline?: string;
}

/** The table in Markdown: medians with the middle half of the measurements, and the ratios to the baseline. */
export function inMarkdown({ title, notes, columns, rows, baseline }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const figures = rows.map(({ name, cells }) => [
    name,
    ...columns.map(({ key, digits }) => figure(cells[key], digits)),
  ]);
  const base = rows.find(({ name }) => name === baseline);
  const ratios = rows
    .filter((row) => base !== undefined && row !== base)
    .map(({ name, cells }) => [
      `_${name} : ${baseline ?? ''}_`,
      ...columns.map(({ key }) => ratio(cells[key], base?.cells[key])),
    ]);
  const head =
    line(['', ...columns.map(({ title: text }) => text)]) + line(['---', ...columns.map(() => '---:')]);
  return [
    `### ${title}\n\n`,
    head,
    ...[...figures, ...ratios].map(line),
    '\n',
    ...notes.map((note) => `- ${note}\n`),
  ].join('');
}

function figure(spread: Spread | undefined, digits: number): string {
  if (spread === undefined || Number.isNaN(spread.median)) return '-';
  const [median, low, high] = [spread.median, spread.low, spread.high].map((value) => value.toFixed(digits));
  return low === high ? String(median) : `${median} (${low}-${high})`;
}

function ratio(spread: Spread | undefined, base: Spread | undefined): string {
  const value = (spread?.median ?? Number.NaN) / (base?.median ?? Number.NaN);
  return Number.isNaN(value) ? '-' : `_${value.toFixed(2)}_`;
}
