import { CliError, cleanLine } from '@mcp-keyhole/cli-kit';

/** Why `npm start` ended. */
export class StartError extends CliError<
  'port-in-use' | 'build-failed' | 'program-failed' | 'sign-in-stuck' | 'proof-failed' | 'interrupted'
> {}

/** All sentences and remedies in one place. */
export const errors = {
  portInUse: (port: number, flag: string, what: string, cause: unknown) =>
    new StartError(
      'port-in-use',
      `Port ${port}, which ${what} needs, is in use by another program.`,
      `End that program, or choose another port: npm start -- --${flag} ${port === 65_535 ? 1_024 : port + 1}`,
      { cause },
    ),
  portUnusable: (port: number, flag: string, what: string, cause: Error) =>
    new StartError(
      'port-in-use',
      `Port ${port}, which ${what} needs, cannot be used: ${cleanLine(cause.message)}.`,
      `Choose another port: npm start -- --${flag} PORT`,
      { cause },
    ),
  buildFailed: (output: string) =>
    new StartError(
      'build-failed',
      `The packages cannot be built:\n${output.trimEnd()}`,
      'Mend what the compiler names, and run npm start again.',
    ),
  programFailed: (what: string, output: string) =>
    new StartError(
      'program-failed',
      `${what} ended${output === '' ? ' without a word.' : `. It said:\n${output}`}`,
      'What it said names the way out; then run npm start again.',
    ),
  notReady: (what: string, milliseconds: number, output: string) =>
    new StartError(
      'program-failed',
      `${what} was not ready within ${milliseconds / 1_000} seconds.${output === '' ? '' : ` It said:\n${output}`}`,
      'On a very busy machine another try may be enough.',
    ),
  signInStuck: (url: URL, why: string) =>
    new StartError(
      'sign-in-stuck',
      `The sign-in came no further than ${url.origin}${url.pathname}: ${cleanLine(why)}.`,
      'Run npm start without --yes on a machine with a browser to see the page.',
    ),
  proofFailed: (why: string, output: string, cause?: unknown) =>
    new StartError(
      'proof-failed',
      `The proxy did not bring the greeting: ${cleanLine(why, 1_000)}${output === '' ? '' : `\nIt said:\n${output}`}`,
      'npm start -- --debug tells more.',
      { cause },
    ),
  interrupted: () =>
    new StartError(
      'interrupted',
      'Interrupted before the proof was complete.',
      'What was started is being ended.',
    ),
} as const;
