import { UsageError, type OptionValues } from '@mcp-keyhole/cli-kit';
import { agree } from '../agreement.ts';
import { connect } from '../api-key.ts';
import { clientTable, factsOf } from '../clients/client-words.ts';
import { findClient } from '../clients/clients.ts';
import { connectionOptions, foreignOption, outputOptions, yesOption } from '../options.ts';
import { defineCommand } from './command.ts';

const options = {
  yes: yesOption,
  foreign: foreignOption,
  ...connectionOptions,
  ...outputOptions,
} as const;

export const command = defineCommand({
  name: 'remove',
  summary: 'Removes clients for good: nobody can sign in with them any more, and their refresh tokens end.',
  usage: ['remove NAME|CLIENT-ID... [--yes]'],
  options,
  notes: [
    'Exit code: 0 removed, 1 failure (what was removed before it is told), 2 usage.',
    'All are looked for first: when one of them does not exist nothing is removed.',
  ],
  config({ values, positionals }): OptionValues<typeof options> & { references: readonly string[] } {
    if (positionals.length === 0) {
      throw new UsageError('The client is missing.', 'Name it: mcp-keyhole-setup remove "Claude Desktop".');
    }
    return { ...values, references: positionals };
  },
  async run({ references, yes, foreign, json, ...connection }, { terminal, write }) {
    const fusionAuth = await connect(connection, terminal);
    const found = new Map<string, ReturnType<typeof factsOf>>();
    for (const reference of references) {
      const client = factsOf(await findClient(fusionAuth, reference, { foreign }));
      found.set(client.clientId, client);
    }
    const clients = [...found.values()];
    const names = clients.map(({ name }) => name).join(', ');
    if (!yes) terminal.note(`To be removed for good:\n${clientTable(clients)}`);
    await agree(terminal, { yes, what: `${names} may be removed`, asks: `Remove ${names}?`, look: 'show' });
    for (const { name, clientId } of clients) {
      await terminal.step(
        `Removing ${name}`,
        () => fusionAuth.removeApplication(clientId),
        `Removed ${name}.`,
      );
    }
    const removed = clients.map(({ name, clientId }) => ({ name, clientId }));
    write(
      json
        ? `${JSON.stringify({ removed })}\n`
        : removed.map(({ name, clientId }) => `Removed ${name} (client id ${clientId}).\n`).join(''),
    );
    return 0;
  },
});
