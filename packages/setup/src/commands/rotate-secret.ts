import type { OptionValues } from '@mcp-keyhole/cli-kit';
import { agree } from '../agreement.ts';
import { connect } from '../api-key.ts';
import { findClient, rotateSecret } from '../clients/clients.ts';
import { secretLines } from '../clients/report.ts';
import { connectionOptions, foreignOption, outputOptions, yesOption } from '../options.ts';
import { defineCommand, oneReference } from './command.ts';

const options = {
  yes: yesOption,
  foreign: foreignOption,
  ...connectionOptions,
  ...outputOptions,
} as const;

export const command = defineCommand({
  name: 'rotate-secret',
  summary: 'Gives a confidential client another secret, and prints it once. The old one ends at once.',
  usage: ['rotate-secret NAME|CLIENT-ID [--yes]'],
  options,
  config: ({ values, positionals }): OptionValues<typeof options> & { reference: string } => ({
    ...values,
    reference: oneReference(positionals),
  }),
  async run({ reference, yes, foreign, json, ...connection }, { terminal, write }) {
    const fusionAuth = await connect(connection, terminal);
    const application = await findClient(fusionAuth, reference, { foreign });
    const { id: clientId = '', name = '' } = application;
    await agree(terminal, {
      yes,
      what: `the secret of ${name} may end`,
      asks: `Give ${name} another secret? Its host cannot sign in or refresh until it has the new one.`,
      look: 'show',
    });
    const clientSecret = await rotateSecret(fusionAuth, application);
    write(
      json
        ? `${JSON.stringify({ name, clientId, clientSecret })}\n`
        : `${[`${name} (client id ${clientId}):`, ...secretLines(clientSecret)].join('\n')}\n`,
    );
    return 0;
  },
});
