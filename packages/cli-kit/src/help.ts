import type { Option, OptionTable } from './options.ts';

/** What `--help` shows. */
export interface HelpPage {
  /** One line: what the program does. */
  readonly summary: string;
  /** The forms of the command line. */
  readonly usage: readonly string[];
  /** Subcommands and what each does. */
  readonly commands?: Readonly<Record<string, string>>;
  readonly options: OptionTable;
  /** Paragraphs after the options. */
  readonly notes?: readonly string[];
}

/** The text of `--help`, at most about 100 columns wide. */
export function formatHelp(page: HelpPage): string {
  const rows = [
    ...Object.values(page.options).map((option): [string, string] => [flagOf(option), explain(option)]),
    ['--help, -h', 'Show this page'] as [string, string],
    ['--version, -v', 'Show the version'] as [string, string],
  ];
  const sections = [
    page.summary,
    ['Usage:', ...page.usage.map((line) => `  ${line}`)].join('\n'),
    ...(page.commands === undefined
      ? []
      : [['Commands:', ...columns(Object.entries(page.commands))].join('\n')]),
    ['Options:', ...columns(rows)].join('\n'),
    ...(page.notes ?? []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function flagOf(option: Option<unknown>): string {
  return `--${option.flag}${option.kind === 'switch' ? '' : ` ${option.placeholder ?? 'VALUE'}`}`;
}

function explain(option: Option<unknown>): string {
  const facts = [
    option.kind === 'list' ? 'repeatable' : undefined,
    option.secret === true ? 'also @file or ${ENV}' : undefined,
    option.env === undefined ? undefined : `environment: ${option.env}`,
  ].filter((fact) => fact !== undefined);
  return facts.length === 0 ? option.help : `${option.help} (${facts.join('; ')})`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.min(34, Math.max(...rows.map(([name]) => name.length)));
  return rows.flatMap(([name, help]) => {
    const lines = wrap(help, 96 - left);
    const first = name.length > left ? [`  ${name}`] : [`  ${name.padEnd(left)}  ${lines.shift() ?? ''}`];
    return [...first, ...lines.map((line) => `  ${' '.repeat(left)}  ${line}`)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
