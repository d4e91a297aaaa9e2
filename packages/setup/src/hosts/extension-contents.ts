import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import spawn from 'cross-spawn';
import { hostErrors } from './errors.ts';
import type { Platform } from './machine.ts';

/** How long npm may take to fetch the proxy and its keychain libraries. */
const npmDeadline = 180_000;

/**
 * Installs the proxy into `<folder>/node_modules`, with the native keychain library for every processor of the platforms, not of this
 * machine alone.
 *
 * @param source what npm calls the proxy: a version, or the folder of a clone
 * @throws SetupError `extension-failed`
 */
export async function installProxy(
  folder: string,
  source: string,
  platforms: readonly Platform[],
): Promise<void> {
  const manifest = path.join(folder, 'package.json');
  await writeFile(manifest, '{ "private": true }\n');
  // Lifecycle scripts have nothing to do: the libraries come built. --install-links packs a folder as a release would be.
  const install = ['install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--install-links'];
  await npm(folder, [...install, source]);
  const keyring = JSON.parse(
    await readFile(path.join(folder, 'node_modules', '@napi-rs', 'keyring', 'package.json'), 'utf8'),
  ) as { optionalDependencies: Record<string, string> };
  const libraries = Object.entries(keyring.optionalDependencies).filter(([name]) =>
    platforms.some((platform) => suffixes[platform].some((suffix) => name.endsWith(suffix))),
  );
  // --force: npm leaves out what is for another platform.
  await npm(folder, [...install, '--force', ...libraries.map(([name, version]) => `${name}@${version}`)]);
  const missing = libraries.find(([name]) => !existsSync(path.join(folder, 'node_modules', name)));
  if (missing !== undefined) throw hostErrors.extensionFailed('npm install', `${missing[0]} is not there`);
  // npm noted where each came from, such as a folder of this machine.
  await writeFile(manifest, '{ "private": true }\n');
  for (const left of ['package-lock.json', path.join('node_modules', '.package-lock.json')]) {
    await rm(path.join(folder, left), { force: true });
  }
}

/** The endings of the keychain library's packages for the processors that Claude Desktop runs on. */
const suffixes: Readonly<Record<Platform, readonly string[]>> = {
  darwin: ['-darwin-arm64', '-darwin-x64'],
  win32: ['-win32-arm64-msvc', '-win32-x64-msvc'],
  linux: ['-linux-arm64-gnu', '-linux-x64-gnu'],
};

function npm(folder: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('npm', args, {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: npmDeadline,
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.on('error', (error) => reject(hostErrors.extensionFailed('npm', error.message, error)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          hostErrors.extensionFailed(
            'npm install',
            lastErrors(said) || `it ended with ${String(code ?? signal)}`,
          ),
        );
    });
  });
}

/** npm's own sentences, without its warnings and the place of its log. */
function lastErrors(said: string): string {
  const lines = said.split(/\r?\n/u).filter((line) => line.startsWith('npm error'));
  return lines
    .slice(0, 3)
    .map((line) => line.replace(/^npm error\s*/u, ''))
    .join(' ');
}
