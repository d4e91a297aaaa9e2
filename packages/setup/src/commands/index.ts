import { nearest, UsageError } from '@mcp-keyhole/cli-kit';
import { program, type Command } from './command.ts';

/** A command before it is loaded. */
export interface CommandEntry {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** All commands, in the order of `--help`. Each is loaded when it runs. */
export const commands: ReadonlyMap<string, CommandEntry> = new Map([
  [
    'register',
    {
      summary: 'Register an MCP client in FusionAuth and print the configuration for its host; the default',
      load: async () => (await import('./register.ts')).command,
    },
  ],
  ['list', { summary: 'List the clients', load: async () => (await import('./list.ts')).command }],
  ['show', { summary: 'Show one client', load: async () => (await import('./show.ts')).command }],
  ['update', { summary: 'Change one client', load: async () => (await import('./update.ts')).command }],
  ['remove', { summary: 'Remove clients for good', load: async () => (await import('./remove.ts')).command }],
  [
    'rotate-secret',
    {
      summary: 'Give a confidential client another secret',
      load: async () => (await import('./rotate-secret.ts')).command,
    },
  ],
  [
    'plan',
    {
      summary: 'Show what apply would do',
      load: async () => (await import('./plan.ts')).command,
    },
  ],
  [
    'apply',
    {
      summary: 'Make FusionAuth have the clients that a file declares',
      load: async () => (await import('./apply.ts')).command,
    },
  ],
  [
    'schema',
    {
      summary: 'Print the JSON schema of that file',
      load: async () => (await import('./schema.ts')).command,
    },
  ],
  [
    'configure',
    {
      summary: "Write an MCP server into a host's configuration, without FusionAuth",
      load: async () => (await import('./configure.ts')).command,
    },
  ],
  [
    'doctor',
    {
      summary: 'Look for everything at a FusionAuth that makes a sign-in fail later',
      load: async () => (await import('./doctor.ts')).command,
    },
  ],
  [
    'portal',
    {
      summary: 'Run a page on which developers register MCP clients of their own',
      load: async () => (await import('./portal.ts')).command,
    },
  ],
]);

/** What a command line begins with. */
export type Choice =
  { readonly command: Command; readonly argv: readonly string[] } | { readonly command: 'overview' };

/**
 * The command that a command line means, and the words after its name. Without a name it is `register`; `help NAME` is
 * `NAME --help`.
 *
 * @throws UsageError for a command that does not exist, with a hint at the nearest
 */
export async function chooseCommand(argv: readonly string[]): Promise<Choice> {
  const [first, ...rest] = argv;
  if (first === undefined || first.startsWith('-')) {
    return isHelp(argv) ? { command: 'overview' } : { command: await loaded('register'), argv };
  }
  if (first !== 'help') return { command: await loaded(first), argv: rest };
  const [name, surplus] = rest;
  if (name === undefined || name.startsWith('-')) return { command: 'overview' };
  if (surplus !== undefined) {
    throw new UsageError(`help explains one command at a time.`, `Try \`${program} help ${name}\`.`);
  }
  return { command: await loaded(name), argv: ['--help'] };
}

/** Whether help is asked for, as `parseCommandLine` understands it. */
const isHelp = (argv: readonly string[]): boolean => argv.some((word) => word === '--help' || word === '-h');

function loaded(name: string): Promise<Command> {
  const entry = commands.get(name);
  if (entry !== undefined) return entry.load();
  const names = [...commands.keys(), 'help'];
  const meant = nearest(name, names);
  throw new UsageError(
    `There is no command ${JSON.stringify(name)}.`,
    `${meant === undefined ? '' : `Did you mean ${meant}? `}There are ${names.join(', ')}; \`${program} help\` explains them.`,
  );
}
