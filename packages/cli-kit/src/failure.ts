import { clean } from './clean.ts';
import { CliError, messageOf, type ExitCode } from './errors.ts';

/**
 * Shows the error that ends a process, once, on stderr, and returns the exit code for it: message, remedy and code of a
 * {@link CliError}; of anything else the message, with the stack when `debug` is set.
 */
export function reportFailure(
  thrown: unknown,
  options: { program: string; debug?: boolean; write?: (text: string) => void },
): ExitCode {
  const write = options.write ?? ((text: string) => process.stderr.write(text));
  if (thrown instanceof CliError) {
    const remedy = clean(thrown.remedy).replaceAll('\n', '\n  ');
    write(`${options.program}: ${clean(thrown.message)}\n  ${remedy}\n  [${thrown.code}]\n`);
    if (options.debug === true) writeCauses(thrown, write);
    return thrown.exitCode;
  }
  write(
    `${options.program}: unexpected failure: ${clean(messageOf(thrown))}\n` +
      '  This is a fault in the program. Run again with --debug and report what it prints.\n  [unexpected]\n',
  );
  if (options.debug === true && thrown instanceof Error) {
    write(`${clean(thrown.stack ?? '')}\n`);
    writeCauses(thrown, write);
  }
  return 1;
}

function writeCauses(error: Error, write: (text: string) => void): void {
  let cause = error.cause;
  for (let depth = 0; depth < 8 && cause !== undefined; depth += 1) {
    write(`  caused by: ${clean(messageOf(cause))}\n`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
}
