import { connect } from '../api-key.ts';
import { loadClients, plan } from '../apply/apply.ts';
import { oneFile, planOptions, type PlanConfig } from './apply.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  name: 'plan',
  summary: 'Shows what apply would do with a file, and changes nothing.',
  usage: ['plan clients.yaml [--prune] [--json]'],
  options: planOptions,
  config: ({ values, positionals }): PlanConfig => ({ ...values, file: oneFile(positionals) }),
  async run(config, { terminal, write }) {
    const declared = loadClients(config.file);
    write(await plan({ ...config, yes: false }, declared, await connect(config, terminal)));
    return 0;
  },
});
