import { configOf, options } from '../doctor/config.ts';
import { doctor, findingCodes } from '../doctor/doctor.ts';
import { defineCommand, refuseSurplus } from './command.ts';

export const command = defineCommand({
  name: 'doctor',
  summary: 'Looks for everything at a FusionAuth that makes a sign-in fail later.',
  usage: ['doctor [--mcp-server-url URL] [--client-id ID] [--fix]'],
  options,
  notes: [
    'It changes nothing without --fix. What is public is looked at without an API key; what could not be seen is told.',
    'Exit code: 0 nothing is wrong, 1 findings or failure, 2 usage.',
  ],
  config({ values, positionals }) {
    refuseSurplus(positionals, 0, 'doctor takes flags only. `mcp-keyhole-setup doctor --help` lists them.');
    return configOf(values, findingCodes);
  },
  run: (config, { write, terminal }) => doctor(config, { write, confirm: terminal.confirm }),
});
