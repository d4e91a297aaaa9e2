import { styleText } from 'node:util';
import { clean } from '@mcp-keyhole/cli-kit';

/** Where the result of a command goes, such as `process.stdout`. */
export interface Output {
  write(text: string): unknown;
  /** Whether it is a terminal, which shows colours and obeys control characters. */
  readonly isTTY?: boolean;
}

/** Writes a text from elsewhere as it is, but on a terminal without its control characters. */
export function writeText(output: Output, text: string): void {
  const shown = output.isTTY === true ? clean(text) : text;
  output.write(shown.endsWith('\n') ? shown : `${shown}\n`);
}

export function writeJson(output: Output, value: unknown): void {
  writeText(output, JSON.stringify(value, undefined, 2));
}

/** Colours on a terminal, and nowhere else. */
export function paint(output: Output, format: Parameters<typeof styleText>[0], text: string): string {
  const colours = output.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
  // Node's own check looks at stdout, whatever is written to.
  return colours ? styleText(format, text, { validateStream: false }) : text;
}
