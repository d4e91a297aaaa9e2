import type { OptionValues } from '@mcp-keyhole/cli-kit';
import { connect } from '../api-key.ts';
import { clientInWords, factsOf } from '../clients/client-words.ts';
import { findClient } from '../clients/clients.ts';
import { connectionOptions, outputOptions } from '../options.ts';
import { defineCommand, oneReference } from './command.ts';

const options = { ...connectionOptions, ...outputOptions } as const;

export const command = defineCommand({
  name: 'show',
  summary: 'Shows one client: what it may do, and where it comes from. Never its secret.',
  usage: ['show NAME|CLIENT-ID [--json]'],
  options,
  config: ({ values, positionals }): OptionValues<typeof options> & { reference: string } => ({
    ...values,
    reference: oneReference(positionals),
  }),
  async run(config, { terminal, write }) {
    const fusionAuth = await connect(config, terminal);
    const client = factsOf(await findClient(fusionAuth, config.reference, { foreign: true }));
    write(config.json ? `${JSON.stringify(client)}\n` : clientInWords(client));
    return 0;
  },
});
