import { formatHelp } from '@mcp-keyhole/cli-kit';
import { doctorOptions, loadDoctorConfig } from '../doctor/config.ts';
import { openTerminal } from '../terminal.ts';
import { doctor, findingCodes } from './doctor.ts';

const program = 'mcp-keyhole-setup doctor';

const help = formatHelp({
  summary: 'Looks for everything at a FusionAuth that makes a sign-in fail later.',
  usage: [`${program} [--mcp-server-url URL] [--client-id ID] [--fix]`],
  options: doctorOptions,
  notes: [
    'It changes nothing without --fix. What is public is looked at without an API key; what could not be seen is told.',
    'Exit code: 0 nothing is wrong, 1 findings or failure, 2 usage.',
  ],
});

/** Runs the command line of `doctor`, and returns the exit code. @throws UsageError, SetupError */
export async function runDoctor(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const invocation = loadDoctorConfig(argv, env, findingCodes);
  if (invocation.show === 'help') process.stdout.write(help);
  if (invocation.show === 'version')
    process.stdout.write(`${process.env['KEYHOLE_VERSION'] ?? 'development'}\n`);
  if (invocation.show !== 'nothing') return 0;
  const { confirm } = openTerminal({ input: process.stdin, output: process.stderr });
  return doctor(invocation.config, { write: (text) => process.stdout.write(text), confirm });
}
