import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { ProxyConfig } from '../config.ts';

/** What mcp-remote keeps of one sign-in, as JSON objects of its own making: nothing in them is certain. */
export interface RemoteSignIn {
  readonly tokens: Readonly<Record<string, unknown>>;
  /** The client, where mcp-remote registered itself. */
  readonly client: Readonly<Record<string, unknown>> | undefined;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
  /** Every file of this sign-in, in all of mcp-remote's folders. */
  readonly files: readonly string[];
}

/** `MCP_REMOTE_CONFIG_DIR`, else ~/.mcp-auth. */
export function mcpRemoteFolder(env: ProxyConfig['environment']): string {
  const given = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  return given('MCP_REMOTE_CONFIG_DIR') ?? path.join(given('HOME') ?? homedir(), '.mcp-auth');
}

/** How many sign-ins there are; for which servers cannot be told from the names of the files. */
export async function countSignIns(folder: string): Promise<number> {
  const names = (await filesIn(folder)).map((file) => path.basename(file));
  return new Set(names.filter((name) => name.endsWith('_tokens.json'))).size;
}

/** The newest sign-in for the server and the flags that the configuration has, or undefined. */
export async function findSignIn(folder: string, config: ProxyConfig): Promise<RemoteSignIn | undefined> {
  const keys = await keysOf(config);
  const files = (await filesIn(folder)).filter((file) => keys.includes(keyIn(file)));
  const dated = await Promise.all(
    files
      .filter((file) => file.endsWith('_tokens.json'))
      .map(async (file) => ({ file, writtenAt: (await stat(file)).mtimeMs })),
  );
  const [newest] = dated.sort((a, b) => b.writtenAt - a.writtenAt);
  if (newest === undefined) return undefined;
  const clientFile = newest.file.replace(/_tokens\.json$/u, '_client_info.json');
  return {
    tokens: await readObject(newest.file),
    client: files.includes(clientFile) ? await readObject(clientFile) : undefined,
    writtenAt: newest.writtenAt,
    files,
  };
}

/** `mcp-remote-v1/` and, of earlier releases, `mcp-remote-<version>/`. */
async function filesIn(folder: string): Promise<string[]> {
  const versions = (await namesIn(folder)).filter((name) => name.startsWith('mcp-remote-'));
  const files = await Promise.all(
    versions.map(async (version) =>
      (await namesIn(path.join(folder, version))).map((name) => path.join(folder, version, name)),
    ),
  );
  return files.flat();
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function keyIn(file: string): string {
  return path.basename(file).split('_')[0] ?? '';
}

/**
 * The names that mcp-remote may have given to the files: the MD5 of what its command line said, as it stood there, with
 * parts left out where it said nothing. A slash at the URL's end is easily lost, so both forms are tried.
 */
async function keysOf(config: ProxyConfig): Promise<string[]> {
  const { server, asWritten } = config;
  const urls = [asWritten.server, server?.href ?? ''].flatMap((url) => [url, withOtherEnding(url)]);
  const rest = [
    config.withoutResource ? undefined : config.resource?.trim(),
    sortedJson(config.authorizeParameters),
    sortedJson(await headersOf(config)),
    config.clientMetadataUrl?.href,
    config.tokenEndpoint?.href,
  ].filter((part) => part !== undefined && part !== '');
  return urls.map((url) =>
    createHash('md5')
      .update([url, ...rest].join('|'))
      .digest('hex'),
  );
}

function withOtherEnding(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : `${url}/`;
}

/** Headers before their `${ENV}` is read; what mcp-remote did not take for a header is not in the name either. */
async function headersOf({ asWritten, headerFiles }: ProxyConfig): Promise<(readonly [string, string])[]> {
  const inFiles = await Promise.all(headerFiles.map((file) => readFile(file, 'utf8')));
  const lines = [...asWritten.headers, ...inFiles.flatMap((text) => text.split(/\r?\n/u))];
  return lines.flatMap((line) => {
    const [, name, value] = /^(?<name>[\w-]+):\s*(?<value>.*)$/u.exec(line.trim()) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
}

function sortedJson(pairs: readonly (readonly [string, string])[]): string | undefined {
  if (pairs.length === 0) return undefined;
  const fields = Object.fromEntries(pairs);
  return JSON.stringify(fields, Object.keys(fields).sort());
}

/** An object without fields when the file is damaged: what is missing in it is said where it is needed. */
async function readObject(file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(file, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
