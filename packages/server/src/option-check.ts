import { InvalidValue } from '@mcp-keyhole/cli-kit';
import { errors } from './errors.ts';

/**
 * Checks what the library was given as the command line's values are.
 *
 * @param option its name, for the message
 * @param isSecret the message does not show it
 * @throws ServerError `unusable-option`
 */
export function checkOption(
  option: string,
  value: unknown,
  parse: (raw: string) => unknown,
  isSecret = false,
): void {
  try {
    parse(String(value));
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw errors.unusableOption(option, isSecret ? undefined : value, error.message);
  }
}
