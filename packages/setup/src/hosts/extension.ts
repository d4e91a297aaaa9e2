import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { packExtension } from '@anthropic-ai/mcpb';
import { cleanLine, messageOf, type Progress } from '@mcp-keyhole/cli-kit';
import { SetupError } from '../errors.ts';
import type { ConfigureConfig } from './config.ts';
import { clientOf, nameOf } from './configuration.ts';
import { hostErrors } from './errors.ts';
import { installProxy } from './extension-contents.ts';
import { extensionManifest } from './extension-manifest.ts';
import { platforms as allPlatforms } from './machine.ts';

/** What `--json` prints. */
export interface Extension {
  readonly file: string;
  /** In bytes. */
  readonly size: number;
  readonly platforms: readonly string[];
}

/**
 * Writes a Claude Desktop extension with the proxy inside. The official tool checks the manifest and packs it.
 *
 * @throws SetupError `extension-failed`
 */
export async function writeExtension(
  config: ConfigureConfig,
  file: string,
  progress: Progress,
): Promise<Extension> {
  const platforms = config.platforms.length === 0 ? allPlatforms : [...new Set(config.platforms)];
  const staging = await mkdtemp(path.join(tmpdir(), 'keyhole-extension-'));
  try {
    const server = path.join(staging, 'extension', 'server');
    await mkdir(server, { recursive: true });
    await progress.step(
      'Fetching the proxy and its keychain libraries',
      () => installProxy(server, sourceOf(config.proxyPath), platforms),
      `The proxy is there, for ${platforms.join(', ')}.`,
    );
    const version = await versionIn(server);
    const manifest = extensionManifest({
      name: nameOf(config),
      version,
      client: clientOf(config),
      platforms,
    });
    const folder = path.dirname(server);
    await writeFile(path.join(folder, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await progress.step('Packing the extension', () => pack(folder, file, staging), `Wrote ${file}.`);
    return { file, size: (await stat(file)).size, platforms };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Packs beside the file first, so that one that is there is replaced whole or not at all. */
async function pack(folder: string, file: string, staging: string): Promise<void> {
  const packed = `${file}.${path.basename(staging)}`;
  try {
    const { result, said } = await hearing(() =>
      packExtension({ extensionPath: folder, outputPath: packed, silent: true }),
    );
    if (!result) throw hostErrors.extensionFailed('packing', cleanLine(said));
    await rename(packed, file);
  } catch (error) {
    throw error instanceof SetupError
      ? error
      : hostErrors.extensionFailed('packing', messageOf(error), error);
  } finally {
    await rm(packed, { force: true });
  }
}

/** The official tool tells what is wrong on the console, silent or not; stdout is for our result. */
async function hearing<Result>(work: () => Promise<Result>): Promise<{ result: Result; said: string }> {
  const { console } = globalThis;
  const said: string[] = [];
  const hear = (...words: readonly unknown[]): void => void said.push(words.map(String).join(' '));
  globalThis.console = { ...console, log: hear, error: hear, warn: hear };
  try {
    return { result: await work(), said: said.join(' ') };
  } finally {
    globalThis.console = console;
  }
}

/** What npm installs: the proxy of the same release, or that of the clone in which its file lies. */
function sourceOf(proxyPath: string | undefined): string {
  if (proxyPath !== undefined) return path.dirname(path.dirname(proxyPath));
  return `mcp-keyhole@${process.env['KEYHOLE_VERSION'] ?? 'latest'}`;
}

async function versionIn(server: string): Promise<string> {
  const manifest = path.join(server, 'node_modules', 'mcp-keyhole', 'package.json');
  return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version;
}
