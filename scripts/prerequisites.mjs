// What the tests need beyond Node: a real browser, a real keychain, the parsers of compose files and of Caddy's.
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run } from './child.mjs';

/** Programs, and the Debian packages that they come in. */
const programs = {
  caddy: 'caddy',
  chromium: 'chromium',
  curl: 'curl',
  'dbus-run-session': 'dbus-daemon',
  'dbus-send': 'dbus-bin',
  'docker-compose': 'docker-compose',
  gdbus: 'libglib2.0-bin',
  'gnome-keyring-daemon': 'gnome-keyring',
  'redis-server': 'redis-server',
  'secret-tool': 'libsecret-tools',
};

/** The Debian packages whose programs are not on PATH. */
function missingPackages() {
  return Object.entries(programs)
    .filter(([program]) => !isOnPath(program))
    .map(([, name]) => name);
}

/**
 * Sees to it that the prerequisites are there. As root on Debian it installs the missing ones, and no others.
 *
 * @param say takes a line about what takes time
 * @returns undefined when all are there, else the reason and the remedy
 */
export async function ensurePrerequisites(say) {
  if (process.platform !== 'linux') {
    return (
      'The end-to-end tests need Linux, with a Secret Service and Chromium.\n' +
      'Here the others run: npm test -- build format:check lint types unit integration'
    );
  }
  const missing = missingPackages();
  if (missing.length === 0) return undefined;
  const remedy = `On Debian: apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!isDebian() || process.getuid() !== 0) {
    return `Programs are missing (of the packages ${missing.join(', ')}).\n${remedy}`;
  }
  say(`installing ${missing.join(', ')}`);
  const failure = await install(missing);
  if (failure !== undefined) return `${failure}\n${remedy}`;
  const still = missingPackages();
  return still.length === 0 ? undefined : `Installed, but not found on PATH: ${still.join(', ')}.`;
}

async function install(names) {
  const apt = (...args) =>
    run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
      // RUNLEVEL=1: the packages' services, such as a web server on port 80, are not started.
      env: { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
  const attempt = () => apt('install', '-y', '--no-install-recommends', ...names);
  let result = hasPackageLists() ? await attempt() : undefined;
  if (result === undefined || result.code !== 0) {
    // Lists that are absent, or so old that they name packages which the mirror no longer has.
    const update = await apt('update');
    result = update.code === 0 ? await attempt() : update;
  }
  return result.code === 0 ? undefined : result.output.trimEnd().split('\n').slice(-15).join('\n');
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function isDebian() {
  try {
    return /^ID(?:_LIKE)?=.*\b(?:debian|ubuntu)\b/mu.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function hasPackageLists() {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
}
