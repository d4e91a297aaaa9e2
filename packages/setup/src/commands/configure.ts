import { homedir } from 'node:os';
import { connect } from '../api-key.ts';
import { configOf, needsClient, options, type ConfigureConfig } from '../hosts/config.ts';
import { configure, printed, type Configuration, type ConfigureContext } from '../hosts/configuration.ts';
import { hosts } from '../hosts/host-list.ts';
import { thisMachine } from '../hosts/machine.ts';
import type { Terminal } from '../terminal.ts';
import { defineCommand, program, type CommandContext, type Environment } from './command.ts';

export const command = defineCommand({
  name: 'configure',
  summary:
    "Writes the entry of an MCP server into a host's configuration. With a URL it needs neither FusionAuth nor an API key.",
  usage: [
    'configure <host> [--client NAME] [flags]',
    'configure <host> <url> [--client-id ID] [flags] [-- flags of the proxy]',
    'configure <host> --remove [--name NAME]',
    'configure <host> --undo',
    'configure claude-desktop <url> --client-id ID --extension FILE.mcpb',
  ],
  words: Object.fromEntries(hosts.map(({ id, title }) => [id, title])),
  options,
  notes: [
    'Without a URL it finds the client in FusionAuth, or registers it, and takes URL, client id, scopes and port from there.',
    'The change is shown before it is made. The rest of the file stays as it is, and a copy of it is kept for --undo.',
    'Exit code: 0 done or nothing to do, 1 failure (the file is as it was), 2 usage.',
  ],
  config: configOf,
  async run(given, { env, terminal, write }: CommandContext) {
    const config = needsClient(given) ? await withClient(given, terminal) : given;
    const context: ConfigureContext = {
      machine: thisMachine(env, home(env)),
      folder: process.cwd(),
      person: {
        write: (text) => process.stderr.write(text),
        colours: process.stderr.isTTY && (env['NO_COLOR'] ?? '') === '',
        confirm: terminal.confirm,
        progress: terminal,
      },
    };
    if (config.print) {
      const { text, where } = printed(config, context);
      process.stderr.write(`${where}\n\n`);
      write(text);
      return 0;
    }
    if (config.extension !== undefined) {
      const { writeExtension } = await import('../hosts/extension.ts');
      const written = await writeExtension(config, config.extension, terminal);
      write(config.json ? `${JSON.stringify(written)}\n` : `\n${written.file}\n`);
      return 0;
    }
    const configuration = await configure(config, context);
    write(config.json ? `${JSON.stringify(configuration)}\n` : report(configuration, config));
    return 0;
  },
});

/** The config with the client that FusionAuth has for it; what was said wins. @throws SetupError */
async function withClient(config: ConfigureConfig, terminal: Terminal): Promise<ConfigureConfig> {
  const { findOrRegister } = await import('../clients/host-client.ts');
  const fusionAuth = await connect(config, terminal);
  const found = await findOrRegister(
    { ...config, name: config.client ?? config.host.title, registers: !config.dryRun },
    fusionAuth,
    terminal,
  );
  const { secretName = found.secretName, scopes } = config;
  if (secretName !== undefined) {
    terminal.note(`Its secret has to be kept on this machine: npx mcp-keyhole secret set ${secretName}`);
  }
  return { ...config, ...found, secretName, scopes: scopes.length === 0 ? found.scopes : scopes };
}

/** HOME counts on Windows too when it is set: shells there set it, and tests. */
function home(env: Environment): string {
  const given = env['HOME'];
  return given === undefined || given === '' ? homedir() : given;
}

function report(
  { file, name, change, backup, reload }: Configuration,
  { host, clientId, url }: ConfigureConfig,
): string {
  const entry = name ?? '';
  const sentence = {
    added: `Added ${entry} to ${host.title}: ${file}`,
    changed: `Changed ${entry} in ${host.title}: ${file}`,
    unchanged: `${host.title} has ${entry} already: ${file}`,
    removed: `Removed ${entry} from ${host.title}: ${file}`,
    absent: `${host.title} has no ${entry}: ${file}`,
    restored: `${file} is as it was before the last change.`,
    'file-removed': `${file} is gone again: it was not there before.`,
    none: 'Nothing was written (--dry-run).',
  }[change];
  const wrote = change === 'added' || change === 'changed' || change === 'removed';
  return [
    sentence,
    ...(wrote || change === 'restored' || change === 'file-removed' ? [reload] : []),
    ...(wrote ? [`To undo this: ${program} configure ${host.id} --undo`] : []),
    ...(backup === null ? [] : [`The file as it was: ${backup}`]),
    ...(wrote && url !== undefined && clientId === undefined
      ? ['Without --client-id the proxy registers itself, which FusionAuth does not offer.']
      : []),
    '',
  ].join('\n');
}
