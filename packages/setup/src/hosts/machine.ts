import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The platforms that hosts run on. */
export const platforms = ['darwin', 'win32', 'linux'] as const;

export type Platform = (typeof platforms)[number];

/** What the paths of hosts depend on. Tests put another machine in its place. */
export interface Machine {
  readonly platform: Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The names in a folder; empty when it cannot be read. */
  readonly list: (folder: string) => readonly string[];
  /** The text of a small file; undefined when it cannot be read. */
  readonly read: (file: string) => string | undefined;
}

/** This machine. Platforms that no host is made for count as Linux. */
export function thisMachine(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
  platform: NodeJS.Platform = process.platform,
): Machine {
  return {
    platform: platform === 'darwin' || platform === 'win32' ? platform : 'linux',
    home,
    env,
    list: (folder) => orElse([], () => readdirSync(folder)),
    read: (file) => orElse(undefined, () => readFileSync(file, 'utf8')),
  };
}

/** Joins a path in the way of the machine's platform. */
export function join({ platform }: Machine, ...parts: readonly string[]): string {
  return (platform === 'win32' ? path.win32 : path.posix).join(...parts);
}

/** An environment variable that is set and not empty. */
export function variable({ env }: Machine, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name];
}

/** Where applications keep the user's settings: `%APPDATA%`, `~/Library/Application Support`, `$XDG_CONFIG_HOME`. */
export function settingsFolder(machine: Machine): string {
  const { platform, home } = machine;
  if (platform === 'darwin') return join(machine, home, 'Library', 'Application Support');
  if (platform === 'win32') {
    return variable(machine, 'APPDATA') ?? join(machine, home, 'AppData', 'Roaming');
  }
  return variable(machine, 'XDG_CONFIG_HOME') ?? join(machine, home, '.config');
}

/** Both are about what may be there: whatever cannot be read counts as absent. */
function orElse<Value>(absent: Value, read: () => Value): Value {
  try {
    return read();
  } catch {
    return absent;
  }
}
