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

/** What a command wrote on stdout, and its exit code. @throws what the command throws */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  terminal: Terminal = emptyTerminal(),
): Promise<{ exitCode: number; stdout: string }> {
  let stdout = '';
  const write = (text: string): void => void (stdout += text);
  const exitCode = await command.run(configOf(command, argv), { env: {}, terminal, write });
  return { exitCode, stdout };
}
