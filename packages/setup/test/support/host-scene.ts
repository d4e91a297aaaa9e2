import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProgress } from '@mcp-keyhole/cli-kit';
import { onTestFinished } from 'vitest';
import { command } from '../../src/commands/configure.ts';
import { configure, type Configuration, type ConfigureContext } from '../../src/hosts/configuration.ts';
import { hostNamed } from '../../src/hosts/host-list.ts';
import type { Host } from '../../src/hosts/host.ts';
import { thisMachine } from '../../src/hosts/machine.ts';
import { configOf } from './config.ts';

/** A home folder with hosts in it, and `configure` run in this process. */
export interface HostScene {
  readonly home: string;
  /** What the person was shown. */
  readonly shown: () => string;
  readonly run: (argv: readonly string[], confirm?: () => Promise<boolean>) => Promise<Configuration>;
  /** Everything below home but the kept copies, by path, as bytes. */
  readonly files: () => Readonly<Record<string, string>>;
}

/** Starts a scene, which is removed after the test. */
export function hostScene(): HostScene {
  const home = realpathSync(mkdtempSync(path.join(tmpdir(), 'keyhole-hosts-')));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const state = path.join(home, 'state');
  let shown = '';
  const write = (text: string): void => void (shown += text);
  const machine = thisMachine({ XDG_CONFIG_HOME: path.join(home, '.config') }, home, 'linux');
  return {
    home,
    shown: () => shown,
    async run(argv, confirm) {
      const config = configOf(command, argv, { MCP_KEYHOLE_DIR: state });
      const person: ConfigureContext['person'] = {
        write,
        colours: false,
        confirm,
        progress: createProgress({ write }),
      };
      const folder = path.join(home, 'project');
      return configure(config, { machine, folder, person });
    },
    files() {
      const names = readdirSync(home, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(home, path.join(entry.parentPath, entry.name)))
        .filter((name) => !name.startsWith('state'));
      return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(home, name), 'latin1')]));
    },
  };
}

/** Where a host of a scene has its file, with its folder made; written when there is a text. */
export function installed({ home }: HostScene, id: string, text?: string): { host: Host; file: string } {
  const host = hostNamed(id);
  if (host === undefined) throw new Error(`there is no host ${id}`);
  const machine = thisMachine({ XDG_CONFIG_HOME: path.join(home, '.config') }, home, 'linux');
  const file = path.normalize(host.userFile(machine));
  mkdirSync(path.dirname(file), { recursive: true });
  if (id === 'claude-code') mkdirSync(path.join(home, '.claude'));
  if (text !== undefined) writeFileSync(file, text);
  return { host, file };
}
