import type { OptionValues } from '@mcp-keyhole/cli-kit';
import { connect } from '../api-key.ts';
import { register } from '../clients/registration.ts';
import { formatReport } from '../clients/report.ts';
import { clientOptions, connectionOptions, outputOptions } from '../options.ts';
import { defineCommand, refuseSurplus } from './command.ts';

/** The options of `register`: this table drives parsing, types and `--help`. */
export const options = { ...clientOptions, ...connectionOptions, ...outputOptions } as const;

/** What `register` is told. */
export type RegisterConfig = OptionValues<typeof options>;

export const command = defineCommand({
  name: 'register',
  summary: 'Registers an MCP client in FusionAuth and prints the configuration for its host.',
  usage: ['[register] [--name NAME] [flags]'],
  options,
  notes: [
    'The API key need not stand on the command line, where other programs can see it: FUSIONAUTH_API_KEY, @file and ${ENV}\n' +
      'keep it away from there.',
    'Exit code: 0 registered, 1 failure (nothing is left half-made, or the message says what), 2 usage.',
  ],
  config({ values, positionals }): RegisterConfig {
    refuseSurplus(
      positionals,
      0,
      'A name with spaces needs quotes: --name "Claude Desktop". `mcp-keyhole-setup --help` lists all flags.',
    );
    return { ...values };
  },
  async run(config, { terminal, write }) {
    const registration = await register(config, await connect(config, terminal), terminal);
    write(
      config.json ? `${JSON.stringify(registration)}\n` : `\n${formatReport(registration, process.platform)}`,
    );
    return 0;
  },
});
