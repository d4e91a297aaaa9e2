import { reportFailure } from '@mcp-keyhole/cli-kit';
import { program, type Environment } from './commands/command.ts';
import { chooseCommand } from './commands/index.ts';
import { openTerminal } from './terminal.ts';

/** argv and env in, exit code out. */
async function main(argv: readonly string[], env: Environment): Promise<number> {
  const print = (text: string): boolean => process.stdout.write(text);
  try {
    const choice = await chooseCommand(argv);
    if (choice.command === 'overview') {
      print((await import('./commands/overview.ts')).overview());
      return 0;
    }
    const { command } = choice;
    const invocation = command.load(choice.argv, env);
    switch (invocation.show) {
      case 'help':
        print(command.help);
        return 0;
      case 'version':
        print(`${process.env['KEYHOLE_VERSION'] ?? 'development'}\n`);
        return 0;
      case 'nothing': {
        const terminal = openTerminal({ input: process.stdin, output: process.stderr });
        return await command.run(invocation.config, { env, terminal, write: print });
      }
    }
  } catch (error) {
    return reportFailure(error, { program, debug: argv.includes('--debug') });
  }
}

// Not awaited here: a chunk that is loaded later and needs this module would wait for its end.
void main(process.argv.slice(2), process.env).then((exitCode) => {
  process.exitCode = exitCode;
  // A call that was given up at its deadline still holds its socket, which its client cannot close: do not wait for it.
  setTimeout(() => process.exit(), 200).unref();
});
