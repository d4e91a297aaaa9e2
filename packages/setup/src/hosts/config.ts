import path from 'node:path';
import {
  choice,
  httpUrl,
  InvalidValue,
  listOption,
  port,
  stateFolderOf,
  switchOption,
  text,
  UsageError,
  valueOption,
  nearest,
  type CommandLine,
  type OptionValues,
} from '@mcp-keyhole/cli-kit';
import { parseFile, parseMcpServerUrl, parseName } from '../option-values.ts';
import { connectionOptions, outputOptions } from '../options.ts';
import { hosts, hostNamed } from './host-list.ts';
import { otherHost } from './host-entry.ts';
import type { Host } from './host.ts';
import { platforms } from './machine.ts';

/** The options of `configure`: this table drives parsing, types and `--help`. */
export const options = {
  client: valueOption({
    flag: 'client',
    placeholder: 'NAME',
    help: "Without a URL: the client in FusionAuth, which is registered unless there is one [the host's title]",
    parse: parseName,
    fallback: undefined,
  }),
  ...connectionOptions,
  mcpServerUrl: valueOption({
    flag: 'mcp-server-url',
    env: 'MCP_SERVER_URL',
    placeholder: 'URL',
    help: "Without a URL: where the MCP server is, without /mcp [the client's own; http://localhost:8000 for a new one]",
    parse: parseMcpServerUrl,
    fallback: undefined,
  }),
  clientId: valueOption({
    flag: 'client-id',
    placeholder: 'ID',
    help: 'The client registered for this host; without it the proxy registers itself, which FusionAuth does not offer',
    parse: word,
    fallback: undefined,
  }),
  scopes: listOption({
    flag: 'oauth-scope',
    placeholder: 'SCOPE',
    help: 'A scope to ask for, with --client-id [what the server names]',
    parse: word,
  }),
  clientSecret: valueOption({
    flag: 'client-secret',
    placeholder: 'keychain:NAME',
    help: "The client's secret by the name that `mcp-keyhole secret set NAME` keeps it under: the host's file never has it",
    // Checked where the error does not quote it.
    parse: (raw) => raw,
    fallback: undefined,
  }),
  callbackPort: valueOption({
    flag: 'port',
    placeholder: 'PORT',
    help: 'The port of the proxy to which a sign-in comes back [3334]',
    parse: (raw) => port(raw),
    fallback: undefined,
  }),
  name: valueOption({
    flag: 'name',
    placeholder: 'NAME',
    help: "What the server is called in the host [from the URL's host]",
    parse: parseEntryName,
    fallback: undefined,
  }),
  scope: valueOption({
    flag: 'scope',
    placeholder: 'SCOPE',
    help: "user: for all of the user's work; project: the file in this folder, for its developers [user]",
    parse: choice(['user', 'project']),
    fallback: 'user' as const,
  }),
  file: valueOption({
    flag: 'file',
    placeholder: 'FILE',
    help: "Another file than the host's usual one, such as that of VS Code Insiders",
    parse: (raw) => path.resolve(text(raw)),
    fallback: undefined,
  }),
  proxyPath: valueOption({
    flag: 'proxy-path',
    placeholder: 'FILE',
    help: 'Start this file with node (a clone), not npx mcp-keyhole',
    parse: parseFile,
    fallback: undefined,
  }),
  remove: switchOption({ flag: 'remove', help: 'Take the entry out again; the rest of the file stays' }),
  undo: switchOption({ flag: 'undo', help: 'Put the file back to what it was before the last change' }),
  print: switchOption({ flag: 'print', help: 'Print the entry, for any host, and write nothing' }),
  extension: valueOption({
    flag: 'extension',
    placeholder: 'FILE',
    help: 'Write a Claude Desktop extension (.mcpb) that has the proxy inside, to be given to others',
    parse: (raw) => path.resolve(text(raw)),
    fallback: undefined,
  }),
  platforms: listOption({
    flag: 'platform',
    placeholder: 'NAME',
    help: 'darwin, win32 or linux: for --print another one than this, for --extension only these',
    parse: choice(platforms),
  }),
  dryRun: switchOption({ flag: 'dry-run', help: 'Show the change, write nothing' }),
  replace: switchOption({
    flag: 'replace',
    help: 'Replace an entry of that name that starts something else',
  }),
  create: switchOption({ flag: 'create', help: 'Write the file even where the host is not installed' }),
  yes: switchOption({ flag: 'yes', help: 'Do not ask whether the file may be changed' }),
  ...outputOptions,
} as const;

/** What `configure` is told: complete. */
export type ConfigureConfig = Omit<OptionValues<typeof options>, 'clientSecret'> & {
  readonly host: Host;
  /** The name under which `mcp-keyhole secret` keeps the client's secret. */
  readonly secretName: string | undefined;
  /** The MCP server, with its path; undefined for what needs none, or before it is {@link needsClient found}. */
  readonly url: string | undefined;
  /** Further arguments of the proxy. */
  readonly more: readonly string[];
  readonly stateFolder: string;
};

const program = 'mcp-keyhole-setup configure';

/** The config of a command line. @throws UsageError */
export function configOf(
  { values, positionals }: CommandLine<typeof options>,
  env: Readonly<Record<string, string | undefined>>,
): ConfigureConfig {
  const [id, second, ...others] = positionals;
  const { clientSecret, ...rest } = values;
  const url = second?.startsWith('-') === true ? undefined : second;
  const more = url === undefined && second !== undefined ? [second, ...others] : others;
  checkCombination(values, url);
  const [surplus] = more;
  if (surplus?.startsWith('-') === false) {
    throw new UsageError(`There is nothing to do with ${JSON.stringify(surplus)}.`, usage);
  }
  const host = parseHost(id, values.print);
  return {
    ...rest,
    secretName: clientSecret === undefined ? undefined : parseSecretReference(clientSecret),
    host,
    url: url === undefined ? undefined : parseUrl(url),
    more,
    stateFolder: stateFolderOf(env),
  };
}

/** Whether URL and client have to be found in FusionAuth. */
export function needsClient({ url, remove, undo }: ConfigureConfig): boolean {
  return url === undefined && !remove && !undo;
}

const usage = `The form is ${program} <host> [<url>] [--client-id ID] [flags] [-- flags of the proxy].`;

function checkCombination(values: OptionValues<typeof options>, url: string | undefined): void {
  const actions = [
    values.remove ? '--remove' : undefined,
    values.undo ? '--undo' : undefined,
    values.print ? '--print' : undefined,
    values.extension === undefined ? undefined : '--extension',
  ].filter((action) => action !== undefined);
  if (actions.length > 1)
    throw new UsageError(`${actions.join(' and ')} exclude one another.`, 'Give one of them.');
  const clientless = values.scopes.length > 0 || values.clientSecret !== undefined;
  if (values.client !== undefined && url !== undefined) {
    throw new UsageError(
      '--client is for a client of FusionAuth, whose URL is known.',
      'Leave out one of the two; --client-id says the client of a URL.',
    );
  }
  if (values.clientId === undefined && url !== undefined && clientless) {
    throw new UsageError(
      '--oauth-scope and --client-secret need --client-id.',
      'Give the client that they belong to.',
    );
  }
  if (values.platforms.length > 0 && !values.print && values.extension === undefined) {
    throw new UsageError('--platform is for --print and --extension.', 'A file is written for this machine.');
  }
}

function parseHost(id: string | undefined, print: boolean): Host {
  const known = hosts.map((host) => host.id);
  if (id === undefined) {
    throw new UsageError(
      'The host is missing.',
      `It is one of ${known.join(', ')}; or any other with --print.`,
    );
  }
  const host = hostNamed(id);
  if (host !== undefined) return host;
  if (print) return otherHost(id);
  const meant = nearest(id, known);
  throw new UsageError(
    `There is no host ${JSON.stringify(id)} whose file can be written.`,
    `${meant === undefined ? '' : `Did you mean ${meant}? `}There are ${known.join(', ')}. --print shows the entry for any other.`,
  );
}

function parseUrl(raw: string): string {
  try {
    return httpUrl(raw).href;
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new UsageError(`The URL ${JSON.stringify(raw)} cannot be used: ${error.message}.`, usage, {
      cause: error,
    });
  }
}

/** The name of an entry: what every host takes, Codex and Claude Code being the strictest. */
function parseEntryName(raw: string): string {
  if (!/^[A-Za-z0-9][\w-]{0,63}$/u.test(raw)) {
    throw new InvalidValue('it is letters, digits, - and _, up to 64');
  }
  return raw;
}

function parseSecretReference(raw: string): string {
  const name = /^keychain:(?<name>[\w.-]{1,64})$/u.exec(raw)?.groups?.['name'];
  if (name === undefined) {
    throw new UsageError(
      "--client-secret takes no secret: that would stand in the host's file.",
      'Keep it with `npx mcp-keyhole secret set NAME`, and write --client-secret keychain:NAME. Or leave the flag out and set MCP_KEYHOLE_CLIENT_SECRET where the host is started.',
    );
  }
  return name;
}

/** RFC 6749, appendix A, less the space: nothing that would have to be quoted. */
function word(raw: string): string {
  if (!/^[!#-[\]-~]+$/u.test(raw))
    throw new InvalidValue('it is one word of ASCII characters, without quotes');
  return raw;
}
