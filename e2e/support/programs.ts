import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Debian's packages that hold what these tests need beyond Node. */
const debianPackages = 'chromium curl dbus gnome-keyring libglib2.0-bin libsecret-tools';

/**
 * The full path of a program on PATH.
 *
 * @throws Error naming the command that installs it
 */
export function program(name: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  throw new Error(
    `The end-to-end tests need the program ${name}. On Debian: apt-get install -y ${debianPackages}`,
  );
}

const bins = {
  'mcp-keyhole': 'proxy',
  'mcp-keyhole-server': 'server',
  'mcp-keyhole-setup': 'setup',
  'fusionauth-emulator': 'fusionauth-emulator',
} as const;

export type Bin = keyof typeof bins;

/**
 * The file that starts one of our programs, in its package's `bin/`.
 *
 * @throws Error when the package is not built
 */
export function binFile(name: Bin): string {
  const folder = join(repository, 'packages', bins[name]);
  if (!existsSync(join(folder, 'dist', 'main.js'))) {
    throw new Error(`packages/${bins[name]} is not built. Run: npm run build`);
  }
  return join(folder, 'bin', `${name}.js`);
}
