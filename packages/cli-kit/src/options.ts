import { InvalidValue } from './value-parsers.ts';

/** One option: how it is written, read and explained. A table of these drives parsing, types and `--help`. */
export interface Option<Value> {
  /** The flag without its dashes. */
  readonly flag: string;
  /** `switch` takes no value, `value` takes one (the last wins), `list` may be repeated. */
  readonly kind: 'switch' | 'value' | 'list';
  /** The environment variable that gives the value when the flag is absent. */
  readonly env?: string | undefined;
  /** What stands for the value in `--help`. */
  readonly placeholder?: string | undefined;
  /** One line for `--help`. */
  readonly help: string;
  /** The value may be secret: `@file` and `${ENV}` are accepted for it, and `--help` says so. */
  readonly secret?: boolean | undefined;
  /** Turns the raw texts (none when the option is absent) into the value. Throws InvalidValue. */
  readonly read: (raw: readonly string[]) => Value;
}

/** The options of one command, by the name that its config gives them. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The config that a table of options yields. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer Value> ? Value : never;
};

interface Wording {
  flag: string;
  help: string;
  env?: string;
}

/** An option without a value: present is true. In the environment 1, true, yes, on or 0, false, no, off. */
export function switchOption(wording: Wording): Option<boolean> {
  return { ...wording, kind: 'switch', read: (raw) => raw.some(isOn) };
}

function isOn(word: string): boolean {
  const lower = word.toLowerCase();
  // The empty word is the flag itself, which has no value.
  if (['', '1', 'true', 'yes', 'on'].includes(lower)) return true;
  if (['0', 'false', 'no', 'off'].includes(lower)) return false;
  throw new InvalidValue('it is one of 1, true, yes, on, 0, false, no, off');
}

/** An option with one value and a default. */
export function valueOption<Value, Fallback>(
  wording: Wording & {
    placeholder: string;
    secret?: boolean;
    parse: (raw: string) => Value;
    fallback: Fallback;
  },
): Option<Value | Fallback> {
  const { parse, fallback, ...rest } = wording;
  return {
    ...rest,
    kind: 'value',
    read: (raw) => {
      const last = raw.at(-1);
      return last === undefined ? fallback : parse(last);
    },
  };
}

/** An option that may be repeated; absent it is the empty list. */
export function listOption<Value>(
  wording: Wording & { placeholder: string; secret?: boolean; parse: (raw: string) => Value },
): Option<readonly Value[]> {
  const { parse, ...rest } = wording;
  return { ...rest, kind: 'list', read: (raw) => raw.map((word) => parse(word)) };
}
