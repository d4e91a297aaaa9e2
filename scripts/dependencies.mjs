import { readFileSync } from 'node:fs';
import { npm, root } from './child.mjs';

/** Whether node_modules holds what package-lock.json asks for. */
export function areDependenciesInstalled() {
  const packagesOf = (file) => JSON.parse(readFileSync(new URL(file, root), 'utf8')).packages;
  let installed;
  try {
    // npm's own record of what it has put there.
    installed = packagesOf('node_modules/.package-lock.json');
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
  return Object.entries(packagesOf('package-lock.json')).every(
    ([path, wanted]) =>
      !path.includes('node_modules/') ||
      // Optional packages are for some platforms only.
      wanted.optional === true ||
      wanted.devOptional === true ||
      (installed[path] !== undefined && installed[path].version === wanted.version),
  );
}

/** Installs exactly what package-lock.json asks for. Returns as {@link npm} does. */
export function installDependencies() {
  return npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
