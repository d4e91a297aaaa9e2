import schema from '../../clients.schema.json' with { type: 'json' };
import { outputOptions } from '../options.ts';
import { defineCommand, refuseSurplus } from './command.ts';

export const command = defineCommand({
  name: 'schema',
  summary: 'Prints the JSON schema of the file that apply takes.',
  usage: ['schema > clients.schema.json'],
  options: { debug: outputOptions.debug },
  notes: [
    'An editor with a YAML language server completes and checks the file when its first line is:\n' +
      '# yaml-language-server: $schema=./clients.schema.json',
  ],
  config({ values, positionals }) {
    refuseSurplus(positionals, 0, 'schema takes no words.');
    return { ...values };
  },
  run(_config, { write }) {
    write(`${JSON.stringify(schema, undefined, 2)}\n`);
    return Promise.resolve(0);
  },
});
