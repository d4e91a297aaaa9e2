import { lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { stateFolderOf } from '@mcp-keyhole/cli-kit';

/**
 * Has Node keep what it has compiled, so that further starts need not compile it. What lies there is run: so it is kept in the
 * state folder, in one of its own that only the user can write to, and never where Node would by default, among the temporary
 * files of all users.
 *
 * @param enable `module.enableCompileCache`, which Node has since 22.8
 * @returns the folder; undefined when nothing is kept, which only takes longer
 */
export function keepCompiled(
  env: Readonly<Record<string, string | undefined>>,
  enable: (folder: string) => unknown,
): string | undefined {
  const folder = path.join(stateFolderOf(env), 'compiled');
  if (!isOnlyOurs(folder)) return undefined;
  enable(folder);
  return folder;
}

/** Makes the folder if there is none. */
function isOnlyOurs(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    // Windows has neither; there the state folder's own permissions hold.
    const isOurs =
      process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o022) === 0);
    return found.isDirectory() && isOurs;
  } catch {
    // Whoever needs the state folder says what is wrong with it.
    return false;
  }
}
