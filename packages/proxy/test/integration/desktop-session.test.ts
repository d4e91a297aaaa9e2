import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { adoptDisplay, adoptSessionBus } from '../../src/desktop-session.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const isLinux = process.platform === 'linux';
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A folder with a listening socket named `bus`, as a login session has. */
async function runtimeFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path.join(folder, 'bus'), resolve));
  closers.push(() => new Promise((resolve) => void server.close(() => resolve())));
  return folder;
}

/** A folder for PATH with a `systemctl` that prints `text`. */
async function systemctlPrinting(text: string, exitCode = 0): Promise<string> {
  const folder = await temporaryFolder();
  const program = path.join(folder, 'systemctl');
  writeFileSync(program, `#!/bin/sh\ncat <<'END'\n${text}\nEND\nexit ${exitCode}\n`);
  chmodSync(program, 0o755);
  return `${folder}:/usr/bin:/bin`;
}

describe.skipIf(!isLinux)('adoptSessionBus (Linux only: nowhere else is there a session bus)', () => {
  it('finds the bus of the login session when the host has not passed it on', async () => {
    const folder = await runtimeFolder();
    const env: Record<string, string | undefined> = {};
    adoptSessionBus(env, folder);
    expect(env).toEqual({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${folder}/bus`, XDG_RUNTIME_DIR: folder });
  });

  it('leaves an address that is set alone', async () => {
    const env = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/elsewhere' };
    adoptSessionBus(env, await runtimeFolder());
    expect(env).toEqual({ DBUS_SESSION_BUS_ADDRESS: 'unix:path=/elsewhere' });
  });

  it('adds nothing where no socket is', async () => {
    const folder = await temporaryFolder();
    const env = {};
    adoptSessionBus(env, folder);
    writeFileSync(path.join(folder, 'bus'), 'a file is no socket');
    adoptSessionBus(env, folder);
    expect(env).toEqual({});
  });

  it('adds nothing on other platforms', async () => {
    const env = {};
    adoptSessionBus(env, await runtimeFolder(), 'darwin');
    expect(env).toEqual({});
  });
});

describe.skipIf(!isLinux)('adoptDisplay (Linux only)', () => {
  const bus = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/bus' };

  it('takes the display, and nothing else, from the service manager', async () => {
    const env = {
      ...bus,
      PATH: await systemctlPrinting(
        'DISPLAY=:1\nWAYLAND_DISPLAY=wayland-0\nLD_PRELOAD=/evil.so\nBROWSER=/evil',
      ),
    };
    await adoptDisplay(env);
    expect(env).toEqual({ ...bus, PATH: env.PATH, DISPLAY: ':1', WAYLAND_DISPLAY: 'wayland-0' });
  });

  it('does not ask when there is a display', async () => {
    const env = { ...bus, DISPLAY: ':0', PATH: await systemctlPrinting('WAYLAND_DISPLAY=wayland-0') };
    await adoptDisplay(env);
    expect(env).not.toHaveProperty('WAYLAND_DISPLAY');
  });

  it.each([
    ['fails', () => systemctlPrinting('DISPLAY=:1', 1)],
    ['is missing', () => temporaryFolder()],
  ])('adds nothing when systemctl %s', async (_how, makePath) => {
    const env = { ...bus, PATH: await makePath() };
    await adoptDisplay(env);
    expect(env).not.toHaveProperty('DISPLAY');
  });
});
