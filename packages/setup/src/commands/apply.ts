import { InvalidValue, switchOption, UsageError, valueOption, type OptionValues } from '@mcp-keyhole/cli-kit';
import { connect } from '../api-key.ts';
import { apply, loadClients, type ApplyRequest } from '../apply/apply.ts';
import { connectionOptions, foreignOption, outputOptions, yesOption } from '../options.ts';
import { defineCommand, refuseSurplus } from './command.ts';

/** The options of `plan`, which `apply` has too. */
export const planOptions = {
  prune: switchOption({
    flag: 'prune',
    help: 'Remove those clients of the same set that the file does not have',
  }),
  foreign: foreignOption,
  concurrency: valueOption({
    flag: 'concurrency',
    placeholder: 'N',
    help: 'How many clients at a time, 1 to 64 [8]',
    parse: parseConcurrency,
    fallback: 8,
  }),
  ...connectionOptions,
  ...outputOptions,
} as const;

const options = { yes: yesOption, ...planOptions } as const;

export const command = defineCommand({
  name: 'apply',
  summary:
    'Makes FusionAuth have the clients that a file declares: shows what it would do, asks, and does it.',
  usage: ['apply clients.yaml [--prune] [--yes]'],
  options,
  notes: [
    'It may be interrupted and run again: what is done is not done twice.',
    'Exit code: 0 all is as the file says, 1 failure (what is missing is told), 2 usage, 130 after Ctrl+C (143 SIGTERM).',
  ],
  config: ({ values, positionals }) => ({ ...values, file: oneFile(positionals) }),
  async run(config, { terminal, write }) {
    const declared = loadClients(config.file);
    const fusionAuth = await connect(config, terminal);
    const interruption = new AbortController();
    // At the second time the process ends as it does by itself.
    const interrupt = (signal: NodeJS.Signals): void => interruption.abort(signal);
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    try {
      return await apply(config, declared, fusionAuth, { terminal, write, signal: interruption.signal });
    } finally {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    }
  },
});

/** The file that a command line names. @throws UsageError */
export function oneFile(positionals: readonly string[]): string {
  refuseSurplus(positionals, 1, 'One file at a time; a set spreads over no more.');
  const [file] = positionals;
  if (file === undefined) {
    throw new UsageError('The file is missing.', 'Name it: mcp-keyhole-setup apply clients.yaml.');
  }
  return file;
}

function parseConcurrency(raw: string): number {
  const value = /^\d{1,2}$/u.test(raw) ? Number(raw) : 0;
  if (value < 1 || value > 64) throw new InvalidValue('it is a whole number from 1 to 64');
  return value;
}

/** What the flags of `plan` say. */
export type PlanConfig = OptionValues<typeof planOptions> & Pick<ApplyRequest, 'file'>;
