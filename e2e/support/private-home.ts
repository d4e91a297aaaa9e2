import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An environment for a process, complete: nothing else is inherited. */
export type Environment = Record<string, string>;

/** A HOME of one run, empty at the start, with every folder that a program might write to below it. */
export class PrivateHome {
  /** The folder that holds everything: HOME, the XDG folders and TMPDIR. */
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'keyhole-')));
  readonly env: Environment;

  constructor() {
    const within = (name: string): string => {
      const path = join(this.folder, name);
      mkdirSync(path, { recursive: true, mode: 0o700 });
      return path;
    };
    this.env = {
      PATH: process.env['PATH'] ?? '',
      LANG: 'C.UTF-8',
      HOME: within('home'),
      XDG_CONFIG_HOME: within('home/.config'),
      XDG_DATA_HOME: within('home/.local/share'),
      XDG_STATE_HOME: within('home/.local/state'),
      XDG_CACHE_HOME: within('home/.cache'),
      XDG_RUNTIME_DIR: within('runtime'),
      TMPDIR: within('tmp'),
      // None, also where the developer's own session has one.
      DBUS_SESSION_BUS_ADDRESS: '',
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
