import { statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

type Environment = Record<string, string | undefined>;

const askWithin = 2_000;
const displayVariables = [
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_CURRENT_DESKTOP',
  'XDG_SESSION_TYPE',
];

/**
 * Many hosts start their servers with a handful of variables (the MCP SDKs pass HOME, PATH and the like), so that on
 * Linux the way to the user's keychain is missing. systemd and elogind put the session's bus at a fixed place: adds the
 * address to `env` when it is missing and that socket belongs to this user. Set but empty, it stays so: no bus is wanted.
 *
 * @param runtimeFolder where the user's sockets are. Default: /run/user/<uid>
 */
export function adoptSessionBus(
  env: Environment,
  runtimeFolder = `/run/user/${String(process.getuid?.() ?? 0)}`,
  platform: NodeJS.Platform = process.platform,
): void {
  if (platform !== 'linux' || env['DBUS_SESSION_BUS_ADDRESS'] !== undefined) return;
  const socket = path.join(runtimeFolder, 'bus');
  const stats = statSync(socket, { throwIfNoEntry: false });
  if (stats?.isSocket() !== true || stats.uid !== process.getuid?.()) return;
  env['DBUS_SESSION_BUS_ADDRESS'] = `unix:path=${socket}`;
  if (!isSet(env, 'XDG_RUNTIME_DIR')) env['XDG_RUNTIME_DIR'] = runtimeFolder;
}

/**
 * Likewise for the display, without which no browser opens: adds what the user's service manager knows of the desktop
 * session. Where there is none, or it does not answer within 2 s, nothing is added.
 */
export async function adoptDisplay(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  if (platform !== 'linux' || isSet(env, 'DISPLAY') || isSet(env, 'WAYLAND_DISPLAY')) return;
  adoptSessionBus(env);
  if (!isSet(env, 'DBUS_SESSION_BUS_ADDRESS')) return;
  const { execFile } = await import('node:child_process');
  const text = await promisify(execFile)('systemctl', ['--user', 'show-environment'], {
    env: { ...env },
    timeout: askWithin,
  }).then(
    ({ stdout }) => stdout,
    // No systemd, or no session of its: then there is no display to be found this way.
    () => '',
  );
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^(?<name>\w+)=(?<value>[\w./:@-]+)$/u.exec(line) ?? [];
    if (displayVariables.includes(name) && !isSet(env, name)) env[name] = value;
  }
}

function isSet(env: Environment, name: string): boolean {
  return env[name] !== undefined && env[name] !== '';
}
