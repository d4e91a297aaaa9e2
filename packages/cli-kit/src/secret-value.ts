import { readFileSync } from 'node:fs';
import { messageOf } from './errors.ts';
import { InvalidValue } from './value-parsers.ts';

/** Reads a text file; throws when it cannot be read. */
export type ReadTextFile = (path: string) => string;

const readUtf8: ReadTextFile = (path) => readFileSync(path, 'utf8');

/**
 * A value that may be secret, so that it need not stand in the argv, where other processes can read it: `@path` is the
 * content of that file (without a last line feed), and `${NAME}` anywhere in the value is that environment variable.
 *
 * @throws InvalidValue when the file cannot be read or the variable is not set
 */
export function readSecret(
  raw: string,
  env: Readonly<Record<string, string | undefined>>,
  readTextFile: ReadTextFile = readUtf8,
): string {
  if (!raw.startsWith('@')) return expandEnvironment(raw, env);
  const path = raw.slice(1);
  try {
    return readTextFile(path).replace(/\r?\n$/u, '');
  } catch (error) {
    throw new InvalidValue(`the file ${path} cannot be read (${messageOf(error)})`);
  }
}

/**
 * Replaces each `${NAME}` by that environment variable.
 *
 * @throws InvalidValue naming a variable that is not set
 */
export function expandEnvironment(raw: string, env: Readonly<Record<string, string | undefined>>): string {
  return raw.replace(/\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}/gu, (_match, name: string) => {
    const value = env[name];
    if (value === undefined) throw new InvalidValue(`the environment variable ${name} is not set`);
    return value;
  });
}
