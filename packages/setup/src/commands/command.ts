import {
  formatHelp,
  parseCommandLine,
  UsageError,
  type CommandLine,
  type OptionTable,
  type ReadTextFile,
} from '@mcp-keyhole/cli-kit';
import type { Terminal } from '../terminal.ts';

export const program = 'mcp-keyhole-setup';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a command runs. */
export interface CommandContext {
  readonly env: Environment;
  /** The person, on stderr. */
  readonly terminal: Terminal;
  /** Writes the result, on stdout. */
  readonly write: (text: string) => unknown;
}

/** What a command line asks of a command. */
export type Invocation<Config> =
  { readonly show: 'help' | 'version' } | { readonly show: 'nothing'; readonly config: Config };

/** One command as a table. */
export interface CommandTable<Table extends OptionTable, Config> {
  readonly name: string;
  /** What it does, for its page of `--help`. */
  readonly summary: string;
  /** The forms of its command line, after the program's name. */
  readonly usage: readonly string[];
  /** The words that may follow its name, and what each means. */
  readonly words?: Readonly<Record<string, string>>;
  readonly options: Table;
  /** Paragraphs after the options. */
  readonly notes?: readonly string[];
  /** Makes the config of what the command line says; pure. @throws UsageError */
  config(line: CommandLine<Table>, env: Environment): Config;
  /** Does it, and returns the exit code. @throws CliError */
  run(config: Config, context: CommandContext): Promise<number>;
}

/** A command as `main.ts` and tests see it. */
export interface Command<Config = unknown> {
  readonly name: string;
  /** Its page of `--help`. */
  readonly help: string;
  /** Reads the words after its name. @throws UsageError */
  load(argv: readonly string[], env: Environment, readTextFile?: ReadTextFile): Invocation<Config>;
  run(config: Config, context: CommandContext): Promise<number>;
}

/** Makes a command of its table. */
export function defineCommand<const Table extends OptionTable, Config extends object>(
  table: CommandTable<Table, Config>,
): Command<Config> {
  const { name, summary, usage, words, options, notes = [] } = table;
  return {
    name,
    help: formatHelp({
      summary,
      usage: usage.map((form) => `${program} ${form}`),
      options,
      notes,
      ...(words === undefined ? {} : { commands: words }),
    }),
    load(argv, env, readTextFile) {
      const reading = readTextFile === undefined ? {} : { readTextFile };
      const line = parseCommandLine(options, { program: `${program} ${name}`, argv, env, ...reading });
      if (line.help) return { show: 'help' };
      if (line.version) return { show: 'version' };
      return { show: 'nothing', config: Object.freeze(table.config(line, env)) };
    },
    run: (config, context) => table.run(config, context),
  };
}

/** Refuses words without a flag beyond those that a command takes. @throws UsageError */
export function refuseSurplus(positionals: readonly string[], taken: number, remedy: string): void {
  const surplus = positionals[taken];
  if (surplus === undefined) return;
  throw new UsageError(`There is nothing to do with ${JSON.stringify(surplus)}.`, remedy);
}

/** The one client that a command is about, by its name or client id. @throws UsageError */
export function oneReference(positionals: readonly string[]): string {
  refuseSurplus(positionals, 1, 'One client at a time. A name with spaces needs quotes.');
  const [reference] = positionals;
  if (reference === undefined) {
    throw new UsageError(
      'The client is missing.',
      `Give its name or client id; \`${program} list\` shows both.`,
    );
  }
  return reference;
}
