import { formatHelp } from '@mcp-keyhole/cli-kit';
import { program } from './command.ts';
import { commands } from './index.ts';
import { options } from './register.ts';

/** The page that `mcp-keyhole-setup help` shows: all commands, and the options of the default one. */
export function overview(): string {
  return formatHelp({
    summary:
      'Registers MCP clients in FusionAuth, writes the configurations of their hosts, and finds what is wrong.',
    usage: [`${program} [register] [flags]`, `${program} <command> [flags]`, `${program} help <command>`],
    commands: Object.fromEntries([...commands].map(([name, { summary }]) => [name, summary])),
    options,
    notes: [
      'The options are those of register; `help <command>` shows those of the others.',
      'The API key need not stand on the command line, where other programs can see it: FUSIONAUTH_API_KEY, @file and ${ENV}\n' +
        'keep it away from there.',
    ],
  });
}
