import { createProgress } from '@mcp-keyhole/cli-kit';
import type { Command } from '../../src/commands/command.ts';
import type { Terminal } from '../../src/terminal.ts';

/** The config that a command makes of its words. @throws UsageError */
export function configOf<Config>(
  command: Command<Config>,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  readTextFile?: (path: string) => string,
): Config {
  const invocation = command.load(argv, env, readTextFile);
  if (invocation.show !== 'nothing') throw new Error(`it shows ${invocation.show}`);
  return invocation.config;
}

/** A terminal with nobody before it, whose progress goes to `write`. */
export function emptyTerminal(write: (text: string) => unknown = () => true): Terminal {
  return { ...createProgress({ write }), askName: undefined, askApiKey: undefined, confirm: undefined };
}
