import { existsSync } from 'node:fs';
import path from 'node:path';
import { styleText } from 'node:util';
import type { Progress } from '@mcp-keyhole/cli-kit';
import { errors } from '../errors.ts';
import { Backups } from './backups.ts';
import type { ConfigureConfig } from './config.ts';
import { decode, readSnapshot } from './configuration-file.ts';
import { difference } from './difference.ts';
import type { Edit, Edited } from './document.ts';
import { hostErrors } from './errors.ts';
import { entryNameOf, entryOf, openDocument, snippet } from './host-entry.ts';
import type { Machine } from './machine.ts';
import { isProxyEntry, proxyCommand } from './proxy-command.ts';

/** How often a file may change between its diff and its write before that is given up. */
const attempts = 20;

/** Where a configuration is written, and who is asked. */
export interface ConfigureContext {
  readonly machine: Machine;
  /** The project's folder. */
  readonly folder: string;
  /** Where people read: stderr. */
  readonly person: {
    readonly write: (text: string) => unknown;
    readonly colours: boolean;
    readonly confirm: ((question: string) => Promise<boolean>) | undefined;
    readonly progress: Progress;
  };
}

/** What `--json` prints. */
export interface Configuration {
  readonly host: string;
  readonly file: string;
  /** The entry's name; null after --undo. */
  readonly name: string | null;
  readonly change: Edited['change'] | 'restored' | 'file-removed' | 'none';
  /** The copy of the file as it was. */
  readonly backup: string | null;
  /** What makes the host read its file again. */
  readonly reload: string;
}

/** Writes one entry into a host's file, or takes it out, or undoes that. @throws SetupError */
export async function configure(config: ConfigureConfig, context: ConfigureContext): Promise<Configuration> {
  const { host } = config;
  const file = fileOf(config, context);
  const backups = new Backups(config.stateFolder);
  if (config.undo) {
    const change = (await backups.undo(file)) === 'removed' ? 'file-removed' : 'restored';
    return { host: host.id, file, name: null, change, backup: null, reload: host.reload };
  }
  await checkInstalled(config, context, file);
  let edit: Edit | undefined;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const snapshot = await readSnapshot(file);
    const { mark, text } = decode(snapshot);
    const document = openDocument(host, text, snapshot.path);
    edit ??= editOf(config, context, [...document.servers], file);
    const result = { host: host.id, file: snapshot.path, name: edit.name, reload: host.reload };
    const edited = document.edit(edit);
    if (edited.text === text) return { ...result, change: edited.change, backup: null };
    context.person.write(painted(difference(snapshot.path, text, edited.text), context.person.colours));
    if (config.dryRun) return { ...result, change: 'none', backup: null };
    await agree(config, context, snapshot.path);
    const written = await backups.write(snapshot, Buffer.from(mark + edited.text));
    if (written !== 'changed') return { ...result, change: edited.change, backup: written.backup };
    context.person.progress.note(`${snapshot.path} has changed meanwhile: it is read again.`);
  }
  throw hostErrors.busy(file);
}

/** The block for a host's file, to be pasted, and where it belongs. @throws SetupError `argument-unsafe` */
export function printed(config: ConfigureConfig, context: ConfigureContext): { text: string; where: string } {
  const { host, platforms } = config;
  const platform = platforms.at(-1) ?? context.machine.platform;
  const command = proxyCommand(clientOf(config), platform, config.proxyPath);
  const file = host.userFile({ ...context.machine, platform });
  return {
    text: snippet(host, nameOf(config), command),
    where:
      file === '' || platform !== context.machine.platform
        ? host.reload
        : `It belongs into ${file}. ${host.reload}`,
  };
}

/** What the proxy is told. */
export function clientOf(config: ConfigureConfig): Parameters<typeof proxyCommand>[0] {
  return { ...config, url: config.url ?? '' };
}

/** The entry's name: as given, or from the URL. */
export function nameOf({ name, url }: ConfigureConfig): string {
  return name ?? entryNameOf(url ?? '');
}

function fileOf({ host, scope, file }: ConfigureConfig, { machine, folder }: ConfigureContext): string {
  if (file !== undefined) return file;
  if (scope === 'user') return path.normalize(host.userFile(machine));
  if (host.projectFile === undefined) throw hostErrors.scopeUnsupported(host.title);
  return path.join(folder, host.projectFile);
}

function editOf(
  config: ConfigureConfig,
  { machine }: ConfigureContext,
  servers: readonly (readonly [string, unknown])[],
  file: string,
): Edit {
  if (config.remove) {
    const names = servers.filter(([, entry]) => isProxyEntry(entry)).map(([name]) => name);
    const name = config.name ?? (config.url === undefined && names.length === 1 ? names[0] : undefined);
    if (name === undefined && config.url === undefined) throw hostErrors.entryMissing(file, names);
    return { kind: 'remove', name: name ?? nameOf(config) };
  }
  const command = proxyCommand(clientOf(config), machine.platform, config.proxyPath);
  return { kind: 'set', name: nameOf(config), ...entryOf(config.host, command), replace: config.replace };
}

/** Goes on where the host is installed, or somebody says so. */
async function checkInstalled(
  config: ConfigureConfig,
  context: ConfigureContext,
  file: string,
): Promise<void> {
  const { host, scope } = config;
  if (scope === 'project' || config.file !== undefined || config.remove || config.create) return;
  if (host.traces(context.machine).some((trace) => existsSync(trace))) return;
  const absent = hostErrors.hostAbsent(host.title, file);
  const { confirm, progress } = context.person;
  if (config.dryRun) {
    progress.note(absent.message);
    return;
  }
  // --yes is about a change that was shown; that a host is missing is another question.
  if (confirm === undefined || config.yes) throw absent;
  progress.note(absent.message);
  if (!(await confirm('Write it all the same?'))) throw hostErrors.declined();
}

async function agree(config: ConfigureConfig, context: ConfigureContext, file: string): Promise<void> {
  if (config.yes) return;
  const { confirm } = context.person;
  if (confirm === undefined) throw errors.confirmationMissing(`${file} may be changed`, '--dry-run');
  if (!(await confirm(`Change ${file}?`))) throw hostErrors.declined();
}

function painted(patch: string, colours: boolean): string {
  if (!colours) return `${patch}\n`;
  const paint = (format: 'green' | 'red', text: string): string =>
    styleText(format, text, { validateStream: false });
  return `${patch
    .replaceAll(/^\+.*$/gmu, (line) => paint('green', line))
    .replaceAll(/^-.*$/gmu, (line) => paint('red', line))}\n`;
}
