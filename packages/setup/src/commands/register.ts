import { connect } from '../api-key.ts';
import { register, type RegistrationRequest } from '../clients/registration.ts';
import { formatReport } from '../clients/report.ts';
import {
  clientOptions,
  connectionOptions,
  foreignOption,
  kindOf,
  kindOptions,
  outputOptions,
} from '../options.ts';
import { defineCommand, refuseSurplus } from './command.ts';

/** The options of `register`: this table drives parsing, types and `--help`. */
export const options = {
  ...clientOptions,
  ...connectionOptions,
  ...kindOptions,
  foreign: foreignOption,
  ...outputOptions,
} as const;

/** What `register` is told. */
export type RegisterConfig = RegistrationRequest & {
  readonly tenantId: string | undefined;
  readonly json: boolean;
  readonly mcpServerUrl: string;
};

export const command = defineCommand({
  name: 'register',
  summary: 'Registers an MCP client in FusionAuth and prints the configuration for its host.',
  usage: ['[register] [--name NAME] [flags]', 'register --name NAME --for claude.ai --mcp-server-url URL'],
  options,
  notes: [
    'A client of that name is changed, and what was changed is told.',
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
    return { ...values, ...kindOf(values) };
  },
  async run(config, { terminal, write }) {
    const registration = await register(config, await connect(config, terminal), terminal);
    write(
      config.json
        ? `${JSON.stringify(registration)}\n`
        : `\n${formatReport(registration, process.platform, config.connector)}`,
    );
    return 0;
  },
});
