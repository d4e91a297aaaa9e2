import { switchOption, type OptionValues } from '@mcp-keyhole/cli-kit';
import { connect } from '../api-key.ts';
import { clientTable, factsOf } from '../clients/client-words.ts';
import { allApplications, ownClients } from '../clients/clients.ts';
import { connectionOptions, outputOptions } from '../options.ts';
import { defineCommand, refuseSurplus } from './command.ts';

const options = {
  all: switchOption({ flag: 'all', help: 'Also the applications that this tool did not make' }),
  ...connectionOptions,
  ...outputOptions,
} as const;

export const command = defineCommand({
  name: 'list',
  summary: 'Lists the clients that this tool has made.',
  usage: ['list [--all] [--json]'],
  options,
  config({ values, positionals }): OptionValues<typeof options> {
    refuseSurplus(positionals, 0, 'One client is shown by `mcp-keyhole-setup show NAME`.');
    return { ...values };
  },
  async run(config, { terminal, write }) {
    const fusionAuth = await connect(config, terminal);
    const applications = await (config.all ? allApplications : ownClients)(fusionAuth);
    const clients = applications.map(factsOf);
    if (config.json) write(`${JSON.stringify(clients)}\n`);
    else if (clients.length === 0) write('There are no clients. `mcp-keyhole-setup register` makes one.\n');
    else write(clientTable(clients));
    return 0;
  },
});
