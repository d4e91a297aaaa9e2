import { parseArgs } from 'node:util';
import { messageOf, UsageError } from './errors.ts';
import { nearest } from './nearest.ts';
import type { Option, OptionTable, OptionValues } from './options.ts';
import { readSecret, type ReadTextFile } from './secret-value.ts';
import { InvalidValue } from './value-parsers.ts';

/** What a command line and an environment say, by a table of options. */
export interface CommandLine<Table extends OptionTable> {
  readonly values: OptionValues<Table>;
  /** The raw words of each flag on the command line, by its name, before `@file` and `${NAME}` are read. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** What stood without a flag, in order. */
  readonly positionals: readonly string[];
  readonly help: boolean;
  readonly version: boolean;
}

/** Everything that {@link parseCommandLine} reads. */
export interface CommandLineInput {
  /** The program's name, for the remedies. */
  readonly program: string;
  /** The arguments after the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How the file behind `@path` is read. Default: from disk, as UTF-8. */
  readonly readTextFile?: ReadTextFile;
}

/**
 * Reads options from the flags, then from the environment, then from their defaults. `--help`/`-h` and `--version`/`-v`
 * are always known, and win over mistakes elsewhere on the line.
 *
 * @throws UsageError for an unknown flag (with a hint at the nearest), a missing, surplus or bad value
 */
export function parseCommandLine<const Table extends OptionTable>(
  table: Table,
  input: CommandLineInput,
): CommandLine<Table> {
  const options = new Map(Object.values(table).map((option) => [option.flag, option]));
  const { tokens } = parseArgs({
    args: [...input.argv],
    options: {
      ...Object.fromEntries(
        [...options].map(([name, { kind }]) => [name, { type: typeOf(kind), multiple: true }]),
      ),
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const positionals: string[] = [];
  const given = new Map<string, string[]>();
  const flags = tokens.filter((token) => token.kind === 'option');
  const help = flags.some(({ name }) => name === 'help');
  const version = flags.some(({ name }) => name === 'version');
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option' || token.name === 'help' || token.name === 'version') continue;
    const option = options.get(token.name);
    if (help || version) continue;
    if (option === undefined) throw unknownFlag(token.rawName, [...options.keys()], input.program);
    given.set(token.name, [...(given.get(token.name) ?? []), valueOf(token, option, input.program)]);
  }
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    values[name] = help || version ? option.read([]) : read(option, given.get(option.flag), input);
  }
  return { values: values as OptionValues<Table>, given, positionals, help, version };
}

function typeOf(kind: Option<unknown>['kind']): 'boolean' | 'string' {
  return kind === 'switch' ? 'boolean' : 'string';
}

function valueOf(
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
  option: Option<unknown>,
  program: string,
): string {
  if (option.kind === 'switch') {
    if (token.value === undefined) return '';
    throw new UsageError(`${token.rawName} takes no value.`, `Write just ${token.rawName}.`);
  }
  // `--name --json` has forgotten the name; who really means such a value writes `--name=--json`.
  const isFlag = token.inlineValue === false && /^--?[A-Za-z]/u.test(token.value ?? '');
  if (token.value !== undefined && !isFlag) return token.value;
  const example = `${token.rawName} ${option.placeholder ?? 'VALUE'}`;
  const dash = isFlag ? ` (a value that begins with a dash: ${token.rawName}=${token.value ?? ''})` : '';
  throw new UsageError(
    `${token.rawName} needs a value.`,
    `Write ${example}${dash}. \`${program} --help\` explains it.`,
  );
}

function unknownFlag(rawName: string, known: readonly string[], program: string): UsageError {
  const meant = nearest(rawName.replace(/^-+/u, ''), [...known, 'help', 'version']);
  const hint = meant === undefined ? '' : `Did you mean --${meant}? `;
  return new UsageError(`There is no flag ${rawName}.`, `${hint}\`${program} --help\` lists all flags.`);
}

function read(
  option: Option<unknown>,
  given: readonly string[] | undefined,
  input: CommandLineInput,
): unknown {
  const fromEnvironment = option.env === undefined ? undefined : input.env[option.env];
  const raw = given ?? (fromEnvironment === undefined || fromEnvironment === '' ? [] : [fromEnvironment]);
  const source = given === undefined ? `The environment variable ${option.env ?? ''}` : `--${option.flag}`;
  try {
    return option.read(
      option.secret === true ? raw.map((word) => readSecret(word, input.env, input.readTextFile)) : raw,
    );
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    const shown = option.secret === true ? '' : ` (${JSON.stringify(raw.at(-1))})`;
    throw new UsageError(
      `${source} cannot be used${shown}: ${messageOf(error)}.`,
      `\`${input.program} --help\` explains it.`,
      { cause: error },
    );
  }
}
